"""``results/provenance.json``: on which machine and with which code each run was trained.

This tells where numbers came from; how they compare is up to their protocol. Free of torch.
"""

from typing import ClassVar, Literal

from pipeline.schemas.record import Part, Record

PROVENANCE = "provenance.json"
FORMAT: Literal[1] = 1  # raise it when an older file would be misread


class RunProvenance(Part):
    """Where one run was trained.

    Attributes:
        device: ``cpu`` or ``cuda``.
        threads: of its arithmetic.
        versions: of the project, Python and libraries, as in ``config.json``.
        weights: SHA-256 of the weights' file.
    """

    device: str
    threads: int
    versions: dict[str, str]
    weights: str


class Provenance(Record):
    """Where all runs were trained.

    Attributes:
        runs: by name, such as ``linear-2/seed-0``.
        dates: the day of each commit, by its name in ``metrics.csv``; commits that git does not
            know are left out.
    """

    what: ClassVar[str] = "where runs were trained"
    remedy: ClassVar[str] = "write it again with `dvc repro collect`"

    format: Literal[1] = FORMAT
    runs: dict[str, RunProvenance]
    dates: dict[str, str]

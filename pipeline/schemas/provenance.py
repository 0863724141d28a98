"""``results/provenance.json``: settings, machine and code with which each run was trained.

It shows where numbers came from; their protocol decides whether they can be compared. Free of
torch.
"""

from typing import ClassVar, Literal

from pipeline.schemas.record import Part, Record
from pipeline.settings import EvaluateSettings, RunSettings

PROVENANCE = "provenance.json"
FORMAT: Literal[1] = 1  # increase it when older files would be misread


class RunProvenance(Part):
    """Where one run was trained.

    Attributes:
        device: ``cpu`` or ``cuda``.
        threads: number of threads for computation.
        versions: versions of the project, Python and libraries, as in ``config.json``.
        weights: SHA-256 of the weights file.
        settings: the settings it was trained with; None in files of older versions.
    """

    device: str
    threads: int
    versions: dict[str, str]
    weights: str
    settings: RunSettings | None = None


class Provenance(Record):
    """Where all runs were trained.

    Attributes:
        runs: runs by name, such as ``linear-2/seed-0``.
        dates: date of each commit in ``metrics.csv``; commits that git does not know are left out.
        evaluation: the settings all runs were measured with; None in files of older versions.
    """

    what: ClassVar[str] = "where runs were trained"
    remedy: ClassVar[str] = "write it again with `dvc repro collect`"
    most_bytes: ClassVar[int] = 4_000_000  # a run takes 1,400

    format: Literal[1] = FORMAT
    runs: dict[str, RunProvenance]
    dates: dict[str, str]
    evaluation: EvaluateSettings | None = None

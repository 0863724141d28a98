"""``prepared.json`` and ``results/data.json``: describe the prepared data. Free of torch."""

from typing import ClassVar

from pipeline.schemas.record import Record

DATA_CARD = "data.json"


class DataCard(Record):
    """A description of the prepared data.

    Attributes:
        name: name of the data set.
        classes: one name per label.
        fingerprint: hash of everything that decides the prepared file.
        sha256: hash of the prepared file itself.
        hash: content hash of the prepared file.
        sizes: number of images in each split.
        split_hashes: content hash of each split.
        checksums: SHA-256 of each source file.
        settings: the settings of section ``data`` that they were prepared with.
    """

    what: ClassVar[str] = "a data set"
    remedy: ClassVar[str] = "write it again with `dvc repro prepare collect`"

    name: str
    classes: tuple[str, ...]
    fingerprint: str
    sha256: str
    hash: str
    sizes: dict[str, int]
    split_hashes: dict[str, str]
    checksums: dict[str, str]
    settings: dict[str, str | int | float | bool | None]

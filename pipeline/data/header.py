"""The header of the prepared file, which identifies the data. Free of torch."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open

from pipeline.data.sources import DataError

SPLITS = ("train", "valid", "test")
FORMAT: Literal[1] = 1  # increase it when older files would be misread
MOST_HEADER, MOST_BYTES = 1_000_000, 8_000_000_000  # MNIST's file has 110 MB
REMAKE = "run `dvc repro prepare`"


class Header(BaseModel):
    """The metadata of the file, next to the tensors ``train/images`` and so on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    name: str
    classes: tuple[str, ...]
    split_hashes: dict[str, str]
    hash: str
    checksums: dict[str, str]
    settings: dict[str, str | int | float]


def read_header(path: Path) -> Header:
    """Read the header of a prepared file; the images stay unread.

    Raises:
        DataError: if the file is missing, damaged, or not a prepared file of this format.
    """
    with open_prepared(path, "numpy") as (_, header):
        return header


@contextmanager
def open_prepared(
    path: Path, framework: Literal["numpy", "pt"]
) -> Iterator[tuple[safe_open, Header]]:
    """Open a prepared file and read its header; also explain what fails while it is open.

    Args:
        path: the file.
        framework: what its tensors are read as.

    Raises:
        DataError: if the file is missing, damaged, or not a prepared file of this format.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such prepared file; {REMAKE}")
    try:
        _require_limits(path)
        with safe_open(path, framework=framework) as file:
            yield file, parse_header(file.metadata() or {}, path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    except SafetensorError as error:
        raise DataError(
            f"{path}: is truncated or not a prepared file ({error}); {REMAKE}"
        ) from None


def _require_limits(path: Path) -> None:
    """Check sizes first, because safetensors reads headers of up to 100 MB."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise DataError(f"{path}: has {size:,} bytes, but may have {MOST_BYTES:,}; {REMAKE}")
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    if header > MOST_HEADER:
        raise DataError(
            f"{path}: is truncated or not a prepared file (its header would have {header:,} bytes, "
            f"but may have {MOST_HEADER:,}); {REMAKE}"
        )


def parse_header(metadata: Mapping[str, str], path: Path) -> Header:
    """Check the metadata of a prepared file.

    Raises:
        DataError: if they are not those of a prepared file of this format.
    """
    try:
        header = Header.model_validate_json(metadata.get("prepared", ""))
    except ValidationError:
        raise DataError(f"{path}: is not a prepared file of format {FORMAT}; {REMAKE}") from None
    hashes = header.split_hashes
    if set(hashes) != set(SPLITS) or header.hash != hash_all(header.name, header.classes, hashes):
        raise DataError(f"{path}: its header is damaged: its hash does not match; {REMAKE}")
    return header


def hash_all(name: str, classes: Iterable[str], split_hashes: Mapping[str, str]) -> str:
    """Return the hash of a whole data set from the hashes of its splits."""
    lines = (name, *classes, *(f"{split} {split_hashes[split]}" for split in SPLITS))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()

"""A tiny data set of 4 x 3 images in IDX files."""

import gzip
import struct
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.data.sources.idx import IdxFile, IdxSet
from pipeline.data.sources.official import DataError

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
HTML = b"\n<!DOCTYPE html><title>Sign in</title>"


def idx(values: npt.NDArray[np.uint8]) -> bytes:
    """Return an IDX file of bytes: magic number, dimensions, values."""
    return struct.pack(f">{1 + values.ndim}I", 0x0800 | values.ndim, *values.shape) + bytes(values)


@dataclass(frozen=True)
class Tiny:
    """A data set of 20 + 10 images of 4 x 3, with the content of its official files."""

    idx_set: IdxSet
    raw: dict[str, bytes]

    def write(self, folder: Path, *, suffix: str = "") -> Path:
        """Write all files, gzipped if there is a suffix."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.raw.items():
            packed = gzip.compress(content) if suffix else content
            (folder / f"{name}{suffix}").write_bytes(packed)
        return folder


def make_tiny() -> Tiny:
    """Create the set and the content of its files."""
    rng = np.random.default_rng(0)
    values = {
        TRAIN_IMAGES: rng.integers(0, 256, (20, 4, 3), dtype=np.uint8),
        TRAIN_LABELS: np.arange(20, dtype=np.uint8) % 10,
        TEST_IMAGES: rng.integers(0, 256, (10, 4, 3), dtype=np.uint8),
        TEST_LABELS: np.arange(10, dtype=np.uint8),
    }
    raw = {name: idx(array) for name, array in values.items()}
    file = {
        name: IdxFile(name, array.shape, sha256(raw[name]).hexdigest())
        for name, array in values.items()
    }
    idx_set = IdxSet(
        name="tiny",
        classes=tuple("abcdefghij"),
        torchvision="Tiny",
        train_images=file[TRAIN_IMAGES],
        train_labels=file[TRAIN_LABELS],
        test_images=file[TEST_IMAGES],
        test_labels=file[TEST_LABELS],
        mirrors=(),
    )
    return Tiny(idx_set, raw)


def message_of(call: Callable[[], object]) -> str:
    """Return the message of the DataError that the call raises: one line, exit status 2."""
    with pytest.raises(DataError) as caught:
        call()
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2
    return caught.value.message

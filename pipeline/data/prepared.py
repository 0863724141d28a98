"""The prepared file: images split into train, valid and test, with a hash of each split.

All later stages read images from this file only, so that two runs with equal hashes used the same
pixels. Shapes: N images of H rows and W columns.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
from torch import Tensor

from pipeline.data.header import FORMAT, REMAKE, SPLITS, Header, hash_all, open_prepared
from pipeline.data.sources.idx import Bytes
from pipeline.data.sources.official import DataError, Labels, Source
from pipeline.files import write_bytes
from pipeline.settings import DataSettings

# The tensors of a Split, in order, and their types.
FIELDS = {"images": "U8", "binarised": "U8", "labels": "I64"}

# One random stream for each purpose, so that drawing from one leaves the others unchanged.
STREAM_SPLITS, STREAM_TRAIN_FILE, STREAM_TEST_FILE = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """The images of one split.

    Attributes:
        images: uint8 (N, H, W), intensities 0 to 255.
        binarised: uint8 (N, H, W), 0 or 1: one fixed draw from Bernoulli(intensity / 255).
        labels: int64 (N,), indices into the classes.
        hash: SHA-256 of the three tensors, in hexadecimal.
    """

    images: Tensor
    binarised: Tensor
    labels: Tensor
    hash: str

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedData:
    """A data set in its final splits.

    Attributes:
        name: name of the data set, as in ``data.name``.
        classes: name of each class.
        splits: the requested ones of ``train``, ``valid`` and ``test``.
        split_hashes: ``Split.hash`` of all three, even if not all were requested.
        hash: SHA-256 over name, classes and all three splits.
        checksums: SHA-256 of each source file.
        settings: the settings of section ``data`` that affect the content.
    """

    name: str
    classes: tuple[str, ...]
    splits: Mapping[str, Split]
    split_hashes: Mapping[str, str]
    hash: str
    checksums: Mapping[str, str]
    settings: Mapping[str, str | int | float]

    @property
    def image_shape(self) -> tuple[int, int]:
        """(H, W)."""
        height, width = next(iter(self.splits.values())).images.shape[1:]
        return height, width


# --- preparing --------------------------------------------------------------------------------


def prepare(source: Source, settings: DataSettings) -> PreparedData:
    """Split the images and draw their binarised versions, both determined by the seed.

    The fractions are shares of all images outside an official test split. An official test split
    is used as it is, in its own order; without one, a test split is drawn like the validation
    split.

    The test split depends on neither ``valid_fraction`` nor the sizes of the other splits, and an
    image's binarised draw does not depend on its split.

    Raises:
        DataError: if a split would have no image of some class.
    """
    total, used = len(source.train_labels), {"name", "valid_fraction", "seed"}
    sizes = {"valid": round(settings.valid_fraction * total)}
    if source.test_images is None:
        used.add("test_fraction")
        sizes = {"test": round(settings.test_fraction * total)} | sizes
    sizes["train"] = total - sum(sizes.values())
    if sizes["train"] <= 0:
        taken = " and ".join(f"{sizes[name]} for {name}" for name in sizes if name != "train")
        raise DataError(
            f"{source.name}: {taken} leave none of {total} images for training; "
            "the fractions in section data must add up to less than 1"
        )

    binarised = binarise(source.train_images, (settings.seed, STREAM_TRAIN_FILE))
    indices = stratified_split(source.train_labels, sizes, settings.seed)
    splits = {
        name: make_split(source.train_images[index], binarised[index], source.train_labels[index])
        for name, index in indices.items()
    }
    if source.test_images is not None and source.test_labels is not None:
        binarised = binarise(source.test_images, (settings.seed, STREAM_TEST_FILE))
        splits["test"] = make_split(source.test_images, binarised, source.test_labels)

    hashes = {name: splits[name].hash for name in SPLITS}
    return PreparedData(
        name=source.name,
        classes=source.classes,
        splits={name: splits[name] for name in SPLITS},
        split_hashes=hashes,
        hash=hash_all(source.name, source.classes, hashes),
        checksums=source.checksums,
        # Not the location of the source files: the same images give the same file.
        settings=settings.model_dump(include=used),
    )


def stratified_split(
    labels: npt.NDArray[np.integer], sizes: Mapping[str, int], seed: int
) -> dict[str, npt.NDArray[np.int64]]:
    """Draw disjoint random splits with the same proportions of classes.

    The splits are drawn in the order of ``sizes``, so the size of one does not affect earlier ones.
    Each class contributes in proportion to its remaining images, to within one image.

    Args:
        labels: (N,).
        sizes: number of images in each split; at most N in total.
        seed: seed of the choice and of the order.

    Returns:
        Indices into ``labels`` for each split, in random order.

    Raises:
        DataError: if there are too few images, or a split would lack a class.
    """
    if sum(sizes.values()) > len(labels):
        asked = " + ".join(f"{size} ({name})" for name, size in sizes.items())
        raise DataError(
            f"splits of {asked} images need {sum(sizes.values())}, but there are {len(labels)}; "
            "choose smaller fractions in section data"
        )
    rng = np.random.default_rng((seed, STREAM_SPLITS))
    order = rng.permutation(len(labels))
    classes = np.unique(labels)
    pools = [order[labels[order] == label] for label in classes]

    splits = {}
    for name, size in sizes.items():
        if size < max(1, len(classes)):
            raise DataError(
                f"split {name} of {size} images is too small for {len(classes)} classes; "
                "choose a larger fraction for it in section data"
            )
        shares = _shares(size, np.array([len(pool) for pool in pools]))
        if not shares.all():
            raise DataError(
                f"split {name} of {size} images would have none of class "
                f"{classes[np.argmin(shares)]}; choose a larger fraction for it in section data"
            )
        dealt = [pool[:share] for pool, share in zip(pools, shares, strict=True)]
        pools = [pool[share:] for pool, share in zip(pools, shares, strict=True)]
        splits[name] = rng.permutation(np.concatenate(dealt))
    return splits


def _shares(size: int, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Apportion ``size`` to classes in proportion to ``counts``: largest remainder method."""
    shares, remainders = np.divmod(size * counts, counts.sum())
    largest = np.argsort(-remainders, kind="stable")
    shares[largest[: size - shares.sum()]] += 1
    return shares


def binarise(images: Bytes, seed: tuple[int, ...]) -> Bytes:
    """Draw each pixel from Bernoulli(intensity / 255).

    Args:
        images: uint8 of any shape.
        seed: seed of the draw.

    Returns:
        uint8 of the same shape, 0 or 1.
    """
    # Uniform on 0 to 254, so that P(draw < x) is exactly x / 255: 0 never gives 1, 255 always.
    draw = np.random.default_rng(seed).integers(0, 255, images.shape, dtype=np.uint8)
    return (draw < images).view(np.uint8)


def make_split(images: Bytes, binarised: Bytes, labels: Labels) -> Split:
    """Return a split with its hash, from arrays with the shapes given in ``Split``."""
    return _hashed(*(torch.from_numpy(array) for array in (images, binarised, labels)))


def _hashed(images: Tensor, binarised: Tensor, labels: Tensor) -> Split:
    """Return a split with the SHA-256 of its shapes, types and values."""
    digest = hashlib.sha256()
    for tensor in (images, binarised, labels):
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().numpy().data)
    return Split(images, binarised, labels, digest.hexdigest())


# --- the file ---------------------------------------------------------------------------------


def save_prepared(path: Path, data: PreparedData) -> None:
    """Write the prepared file atomically; the same data give the same bytes.

    Raises:
        DataError: if the file cannot be written.
    """
    assert tuple(data.splits) == SPLITS, "the file must contain all splits"
    header = Header(
        format=FORMAT,
        name=data.name,
        classes=data.classes,
        split_hashes=dict(data.split_hashes),
        hash=data.hash,
        checksums=dict(data.checksums),
        settings=dict(data.settings),
    )
    tensors = {
        f"{name}/{field}": getattr(split, field)
        for name, split in data.splits.items()
        for field in FIELDS
    }
    # Only one key: safetensors writes several keys in an order that varies between processes.
    metadata = {"prepared": header.model_dump_json()}
    write_bytes(path, safetensors.torch.save(tensors, metadata))


def load_prepared(path: Path, splits: Iterable[str] = SPLITS) -> PreparedData:
    """Read splits of the prepared file and check their hashes.

    Other splits are not read: training loads ``("train", "valid")`` and never sees a test image.

    Raises:
        DataError: if the file is missing, damaged, or not a prepared file of this format.
        ValueError: if ``splits`` is empty or contains an unknown name.
    """
    names = tuple(splits)
    if not names or not set(names) <= set(SPLITS):
        raise ValueError(f"splits = {names} must be one or more of {SPLITS}")
    with open_prepared(path, "pt") as (file, header):
        loaded = {name: _load_split(path, file, name) for name in names}
    # Always checked: hashing all of MNIST takes 0.06 s, 110 MB at 1.8 GB/s.
    for name, split in loaded.items():
        if split.hash != header.split_hashes[name]:
            raise DataError(f"{path}: split {name} is damaged: its hash does not match; {REMAKE}")
    return PreparedData(
        name=header.name,
        classes=header.classes,
        splits=loaded,
        split_hashes=header.split_hashes,
        hash=header.hash,
        checksums=header.checksums,
        settings=header.settings,
    )


def _load_split(path: Path, file: Any, name: str) -> Split:
    for field, dtype in FIELDS.items():
        found = file.get_slice(f"{name}/{field}").get_dtype()
        if found != dtype:
            raise DataError(f"{path}: {name}/{field} is {found}, but must be {dtype}; {REMAKE}")
    return _hashed(*(file.get_tensor(f"{name}/{field}") for field in FIELDS))

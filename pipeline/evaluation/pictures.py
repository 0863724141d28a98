"""How images are chosen, decoded and laid out to be shown.

Images leave as bytes, (..., H, W) uint8: the likelihood's mean, 0 for black.
"""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from pipeline.models import VAE
from pipeline.schemas.arrays import Arrays

PLANE = 1.5  # half a side of the decoded plane: 87 % of the prior's mass on each axis

GREY = 128
MAGNIFIED = 3  # screen pixels a side of an image's pixel

Images = npt.NDArray[np.uint8]


def images_to_show(labels: npt.NDArray[np.int64], count: int, seed: int) -> npt.NDArray[np.int64]:
    """Indices of ``count`` images, a class in turn, drawn at random: (count,)."""
    random = np.random.default_rng(seed)
    by_class = [random.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    turns = max(map(len, by_class))
    in_turn = [
        members[turn] for turn in range(turns) for members in by_class if turn < len(members)
    ]
    return np.array(in_turn[:count], dtype=np.int64)


def pairs_to_show(labels: npt.NDArray[np.int64], count: int, seed: int) -> npt.NDArray[np.int64]:
    """Indices of ``count`` pairs of images of different classes, drawn at random: (count, 2).

    Fewer than two classes have no such pair: the result is then empty.
    """
    random = np.random.default_rng(seed)
    pairs: list[tuple[int, int]] = []
    while len(pairs) < count and len(np.unique(labels)) > 1:
        first, second = random.choice(len(labels), 2, replace=False)
        if labels[first] != labels[second]:
            pairs.append((int(first), int(second)))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def straight_paths(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Evenly spaced points from ``start`` to ``end``, both included: (P, d) -> (P, steps, d)."""
    position = torch.linspace(0, 1, steps).view(1, steps, 1)
    return torch.lerp(start.unsqueeze(1), end.unsqueeze(1), position)


def plane(axis: Tensor) -> Tensor:
    """Codes (G, G, 2) of a plane; [i, j] is (z1, z2) = (axis[j], axis[i])."""
    z2, z1 = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([z1, z2], dim=-1)


def decode(model: VAE, codes: Tensor) -> Images:
    """Mean images of codes, whatever their leading shape: (..., d) -> (..., H, W)."""
    images = as_bytes(model.mean_images(codes))
    return images.reshape(*codes.shape[:-1], *images.shape[-2:])


def as_bytes(images: Tensor) -> Images:
    """(N, 1, H, W) in [0, 1] -> (N, H, W) uint8; a Gaussian's mean is clipped to the range."""
    rounded = (images.squeeze(1).clamp(0, 1) * 255).round()
    return rounded.to(torch.uint8).numpy()


def write_sheets(folder: Path, arrays: Arrays) -> None:
    """Two contact sheets for the tracker: ``reconstructions.png`` and ``samples.png``.

    Reconstructions stand in three rows: originals, what the model observed, what it made of it.
    """
    rows = ("originals", "inputs", "reconstructions")
    _write_sheet(folder / "reconstructions.png", np.stack([arrays[name] for name in rows]))
    samples = arrays["samples"]
    columns = math.isqrt(len(samples))
    whole = samples[: len(samples) // columns * columns]
    _write_sheet(folder / "samples.png", whole.reshape(-1, columns, *samples.shape[1:]))


def _write_sheet(path: Path, images: npt.NDArray[np.generic], gap: int = 2) -> None:
    """Images (R, C, H, W) as one picture of R rows and C columns, grey lines between them."""
    images = images.repeat(MAGNIFIED, axis=2).repeat(MAGNIFIED, axis=3)
    framed = np.pad(images, ((0, 0), (0, 0), (gap, 0), (gap, 0)), constant_values=GREY)
    rows, columns, height, width = framed.shape
    sheet = framed.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)
    Image.fromarray(np.pad(sheet, ((0, gap), (0, gap)), constant_values=GREY)).save(path)

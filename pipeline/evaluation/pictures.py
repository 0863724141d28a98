"""Choose, decode and arrange the images to show.

Decoded images are the likelihood's mean as uint8 (..., H, W), 0 for black.
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

PLANE = 1.5  # half the side of the decoded plane: 87 % of the prior's mass on each axis

GREY = 128
MAGNIFIED = 3  # size of an image's pixel on a sheet, in pixels

Images = npt.NDArray[np.uint8]


def images_to_show(labels: npt.NDArray[np.int64], count: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the indices of ``count`` random images, from each class in turn: (count,)."""
    random = np.random.default_rng(seed)
    by_class = [random.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    turns = max(map(len, by_class))
    in_turn = [
        members[turn] for turn in range(turns) for members in by_class if turn < len(members)
    ]
    return np.array(in_turn[:count], dtype=np.int64)


def pairs_to_show(labels: npt.NDArray[np.int64], count: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the indices of ``count`` random pairs of images of different classes: (count, 2).

    The result is empty if there are fewer than two classes.
    """
    random = np.random.default_rng(seed)
    pairs: list[tuple[int, int]] = []
    while len(pairs) < count and len(np.unique(labels)) > 1:
        first, second = random.choice(len(labels), 2, replace=False)
        if labels[first] != labels[second]:
            pairs.append((int(first), int(second)))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def straight_paths(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Return evenly spaced points from ``start`` to ``end``: (P, d) -> (P, steps, d)."""
    position = torch.linspace(0, 1, steps).view(1, steps, 1)
    return torch.lerp(start.unsqueeze(1), end.unsqueeze(1), position)


def plane(axis: Tensor) -> Tensor:
    """Return the codes (G, G, 2) of a plane; [i, j] is (z1, z2) = (axis[j], axis[i])."""
    z2, z1 = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([z1, z2], dim=-1)


def decode(model: VAE, codes: Tensor) -> Images:
    """Return the mean images of codes with any leading shape: (..., d) -> (..., H, W)."""
    images = as_bytes(model.mean_images(codes))
    return images.reshape(*codes.shape[:-1], *images.shape[-2:])


def as_bytes(images: Tensor) -> Images:
    """Convert (N, 1, H, W) in [0, 1] to (N, H, W) uint8; clip means of a Gaussian to that range."""
    rounded = (images.squeeze(1).clamp(0, 1) * 255).round()
    return rounded.to(torch.uint8).numpy()


def write_sheets(folder: Path, arrays: Arrays) -> None:
    """Write two contact sheets for the tracker: ``reconstructions.png`` and ``samples.png``.

    The first has three rows: originals, model inputs and reconstructions.
    """
    rows = ("originals", "inputs", "reconstructions")
    _write_sheet(folder / "reconstructions.png", np.stack([arrays[name] for name in rows]))
    samples = arrays["samples"]
    columns = math.isqrt(len(samples))
    whole = samples[: len(samples) // columns * columns]
    _write_sheet(folder / "samples.png", whole.reshape(-1, columns, *samples.shape[1:]))


def _write_sheet(path: Path, images: npt.NDArray[np.generic], gap: int = 2) -> None:
    """Write images (R, C, H, W) as one picture of R rows and C columns, with grey lines between."""
    images = images.repeat(MAGNIFIED, axis=2).repeat(MAGNIFIED, axis=3)
    framed = np.pad(images, ((0, 0), (0, 0), (gap, 0), (gap, 0)), constant_values=GREY)
    rows, columns, height, width = framed.shape
    sheet = framed.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)
    Image.fromarray(np.pad(sheet, ((0, gap), (0, gap)), constant_values=GREY)).save(path)

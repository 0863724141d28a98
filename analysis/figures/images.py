"""Sheets of grey images: reconstructions and samples."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.canvas import (
    LINE_HEIGHT,
    NAME_SIZE,
    Images,
    Sheet,
    label_width,
    mosaic,
    text_width,
    whole_scale,
)
from analysis.present.style import ModelStyle

Named = Sequence[tuple[str, str, Images]]  # display name, label, images
Marks = NDArray[np.bool_]

MARK = "#ff9500"  # marks implausible images: visible on black, and also recognisable by shape
COLUMNS_SHOWN = 12  # reconstructions per row


def reconstructions(
    references: Sequence[tuple[str, Images]], models: Named, styles: Mapping[str, ModelStyle]
) -> Figure:
    """Draw rows of the same images: the references, then the reconstructions of each model.

    Args:
        references: label and images (n, H, W) of each row: originals, inputs.
        models: images (n, H, W) of each model.
        styles: by display name.
    """
    originals = np.stack([images[:COLUMNS_SHOWN] for _, images in references])
    drawn = np.stack([images[:COLUMNS_SHOWN] for _, _, images in models])
    labels = [*(label for label, _ in references), *(label for _, label, _ in models)]
    height, width = originals.shape[2:]
    scale = whole_scale(width, 112)
    pitch, left, pause = (height + 1) * scale, label_width(labels), 24
    columns = originals.shape[1]
    sheet = Sheet(left + columns * (width + 1) * scale, len(labels) * pitch + pause)
    second = len(references) * pitch + pause
    sheet.place(mosaic(originals), left, 0, scale)
    sheet.place(mosaic(drawn), left, second, scale)
    for row, (label, _) in enumerate(references):
        sheet.write(label, 30, row * pitch + height * scale / 2)
    for row, (model, label, _) in enumerate(models):
        sheet.name(label, 0, second + row * pitch + height * scale / 2, styles[model])
    return sheet.figure


def samples(
    models: Named,
    columns: int,
    styles: Mapping[str, ModelStyle],
    doubtful: Mapping[str, Marks] | None = None,
) -> Figure:
    """Draw a square block of samples per model, in rows of ``columns`` blocks.

    Args:
        models: images (n, H, W) of each model; the largest square number of them is shown.
        columns: blocks per row.
        styles: by display name.
        doubtful: by display name, which (n,) of its images are marked in the corner; their number
            is shown next to the name.
    """
    doubtful = doubtful or {}
    side = samples_side(models)
    height, width = models[0][2].shape[1:]
    columns = min(columns, len(models))
    wide, high = side * (width + 1) - 1, side * (height + 1) - 1
    scale = min(whole_scale(width, 84), whole_scale(wide * columns, 1960))
    between, head = 44, LINE_HEIGHT + 12
    pitch_x, pitch_y = wide * scale + between, high * scale + head + between
    rows = -(-len(models) // columns)
    sheet = Sheet(
        max(columns * pitch_x - between, label_width([label for _, label, _ in models])),
        rows * pitch_y - between,
    )
    corners = []
    for place, (model, label, images) in enumerate(models):
        left, top = place % columns * pitch_x, place // columns * pitch_y
        sheet.name(label, left, top + LINE_HEIGHT / 2, styles[model])
        block = images[: side * side].reshape(side, side, height, width)
        sheet.place(mosaic(block), left, top + head, scale)
        if model in doubtful:
            marked = np.flatnonzero(doubtful[model][: side * side])
            corners += [
                _corner(
                    left + ((at % side) * (width + 1) + width) * scale,
                    top + head + (at // side) * (height + 1) * scale,
                    scale * width / 4,
                )
                for at in marked.tolist()
            ]
            right = left + wide * scale
            text = f"{len(marked)} of {side * side} marked"
            if label_width([label]) + text_width(text, NAME_SIZE) <= wide * scale:
                sheet.write(text, right, top + LINE_HEIGHT / 2, muted=True, align="right")
    if corners:
        sheet.overlay().add_collection(
            PolyCollection(corners, facecolors=MARK, edgecolors="none", antialiased=False)
        )
    return sheet.figure


def samples_side(models: Named) -> int:
    """Return the number of images along a side of each block."""
    return min(8, *(math.isqrt(len(images)) for _, _, images in models))


def _corner(right: float, top: float, size: float) -> list[tuple[float, float]]:
    """A triangle in the upper right corner of an image."""
    return [(right - size, top), (right, top), (right, top + size)]

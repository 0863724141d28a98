"""Reconstruction errors, and the best and worst reconstructed images."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.canvas import (
    LINE_HEIGHT,
    PAPER,
    Images,
    Sheet,
    label_width,
    mosaic,
    text_width,
    whole_scale,
)
from analysis.figures.images import COLUMNS_SHOWN, Named
from analysis.present.style import FAINT, ModelStyle
from analysis.words import format_number

Ranked = tuple[str, str, Images, Images, NDArray[np.floating]]

RANKS = ("best", "median", "worst")
SMALL = 8.5  # points, of annotations
_STEPS = 32  # colours on each side of zero


def signed_errors(originals: Images, reconstructions: Images) -> NDArray[np.float64]:
    """Return reconstruction minus original, as shares of the grey range: -1 to 1."""
    return (reconstructions.astype(np.float64) - originals) / 255


def error_maps(originals: Images, models: Named, styles: Mapping[str, ModelStyle]) -> Figure:
    """Draw the originals and, below them, the reconstruction errors of each model.

    Blue where the reconstruction is too dark, red where it is too bright, on one scale for all;
    each row ends with the mean absolute error over its images.

    Args:
        originals: (n, H, W).
        models: reconstructions (n, H, W) of the same images by each model.
        styles: by display name.
    """
    originals = originals[:COLUMNS_SHOWN]
    errors = [signed_errors(originals, images[:COLUMNS_SHOWN]) for _, _, images in models]
    labels = ["original", *(label for _, label, _ in models)]
    height, width = originals.shape[1:]
    scale = whole_scale(width, 112)
    pitch, left, pause, foot = (height + 1) * scale, label_width(labels), 24, 128
    right = left + len(originals) * (width + 1) * scale
    second, end = pitch + pause, (len(models) + 1) * pitch + pause
    sheet = Sheet(right + text_width("mean 0.000", SMALL), end + foot)
    sheet.place(mosaic(originals[np.newaxis]), left, 0, scale)
    levels = np.stack([_levels(error) for error in errors])
    sheet.place(_palette()[mosaic(levels)], left, second, scale)
    sheet.write("original", 30, height * scale / 2)
    sheet.write("mean", right + 14, height * scale / 2 - 16, muted=True, size=SMALL)
    sheet.write("|error|", right + 14, height * scale / 2 + 16, muted=True, size=SMALL)
    for row, ((model, label, _), error) in enumerate(zip(models, errors, strict=True)):
        middle = second + row * pitch + height * scale / 2
        sheet.name(label, 0, middle, styles[model])
        sheet.write(format_number(float(np.abs(error).mean()), 3), right + 14, middle, size=SMALL)
    _colour_bar(sheet, left, end + 30, right - left)
    return sheet.figure


def _levels(errors: NDArray[np.float64]) -> Images:
    """Indices into the palette: 0 for -1, ``_STEPS`` for 0, twice that for 1."""
    return np.round((errors + 1) * _STEPS).astype(np.uint8)


def _palette() -> Images:
    """Red, green and blue (256, 3) of each index, and of the paper between images."""
    colours = np.zeros((256, 3))
    colours[: 2 * _STEPS + 1] = colormaps["RdBu_r"](np.linspace(0, 1, 2 * _STEPS + 1))[:, :3]
    colours[_STEPS] = 1.0  # no error is plain white
    colours[PAPER] = to_rgb(FAINT)
    return np.round(colours * 255).astype(np.uint8)


def _colour_bar(sheet: Sheet, left: int, top: int, room: int) -> None:
    wide = min(room, 640)
    axes = sheet.axes(left, top, wide, 22)
    axes.imshow(
        _palette()[np.newaxis, : 2 * _STEPS + 1], aspect="auto", extent=(-1, 1, 0, 1),
        interpolation="nearest",
    )  # fmt: skip
    axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["−1", "−0.5", "0", "+0.5", "+1"])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_xlabel("reconstruction − original, as a share of the grey range", fontsize=SMALL)
    axes.tick_params(labelsize=SMALL)


def ranked(models: Sequence[Ranked], columns: int, styles: Mapping[str, ModelStyle]) -> Figure:
    """Draw one block per model: best, median and worst images, each above its reconstruction.

    Args:
        models: display name, label, originals and reconstructions (3, R, H, W), and the
            reconstruction term (3, R) in nats, ascending.
        columns: blocks per row.
        styles: by display name.
    """
    amount = min(originals.shape[1] for _, _, originals, _, _ in models)
    height, width = models[0][2].shape[2:]
    columns = min(columns, len(models))
    scale = min(whole_scale(width, 84), whole_scale(columns * amount * (width + 1), 1960))
    between, head, line = 44, LINE_HEIGHT + 4, 36
    strip = 2 * height * scale + scale  # two rows of images
    pitch_x = amount * (width + 1) * scale - scale + between
    block = head + len(RANKS) * (line + strip + 12)
    rows = -(-len(models) // columns)
    sheet = Sheet(
        max(columns * pitch_x - between, text_width("median: 100.0 to 100.0 nats", SMALL)),
        rows * (block + 24) - 24,
    )
    for place, (model, label, originals, drawn, values) in enumerate(models):
        left, top = place % columns * pitch_x, place // columns * (block + 24)
        sheet.name(label, left, top + LINE_HEIGHT / 2, styles[model])
        for row, rank in enumerate(RANKS):
            strip_top = top + head + row * (line + strip + 12)
            sheet.write(
                f"{rank}: {_range(values[row, :amount])}", left, strip_top + line / 2, size=SMALL
            )
            both = np.stack([originals[row, :amount], drawn[row, :amount]])
            sheet.place(mosaic(both), left, strip_top + line, scale)
    return sheet.figure


def _range(values: NDArray[np.floating]) -> str:
    """Format as ``19.1 to 25.3 nats``; as one number if both ends look the same."""
    low, high = format_number(float(values.min()), 1), format_number(float(values.max()), 1)
    return f"{low} nats" if low == high else f"{low} to {high} nats"

"""What the models draw: reconstructions, samples, interpolations. Sheets of grey images."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from analysis.figures.canvas import (
    LINE_HEIGHT,
    Images,
    Sheet,
    label_width,
    mosaic,
    whole_scale,
)
from analysis.style import ModelStyle

Named = Sequence[tuple[str, str, Images]]  # display name, label, images

PATHS_SHOWN = 24  # of the interpolations: all would be longer than a page
COLUMNS_SHOWN = 12  # of the reconstructions


def reconstructions(
    references: Sequence[tuple[str, Images]], models: Named, styles: Mapping[str, ModelStyle]
) -> Figure:
    """Rows of the same images: the references, then each model's reconstruction.

    Args:
        references: a label and images (n, H, W) a row: the originals, the inputs.
        models: images (n, H, W) a model.
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


def samples(models: Named, columns: int, styles: Mapping[str, ModelStyle]) -> Figure:
    """A square block of samples a model, ``columns`` blocks beside each other.

    Args:
        models: images (n, H, W) a model; the largest square number of them is shown.
        columns: blocks a row.
        styles: by display name.
    """
    side = min(8, *(math.isqrt(len(images)) for _, _, images in models))
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
    for place, (model, label, images) in enumerate(models):
        left, top = place % columns * pitch_x, place // columns * pitch_y
        sheet.name(label, left, top + LINE_HEIGHT / 2, styles[model])
        block = images[: side * side].reshape(side, side, height, width)
        sheet.place(mosaic(block), left, top + head, scale)
    return sheet.figure


def pairs_shown(pairs: int, models: int) -> int:
    """How many pairs fit into a sheet of as many models: at least one."""
    return min(pairs, max(1, PATHS_SHOWN // models))


def interpolations(ends: Images, models: Named, styles: Mapping[str, ModelStyle]) -> Figure:
    """Straight paths between the codes of two images, grouped by pair, a row a model.

    Args:
        ends: (pairs, 2, H, W), the images whose codes each path joins.
        models: (pairs, steps, H, W) a model.
        styles: by display name.
    """
    pairs, steps = pairs_shown(len(ends), len(models)), models[0][2].shape[1]
    height, width = ends.shape[2:]
    scale = min(whole_scale(width, 84), whole_scale((steps + 4) * (width + 1), 1600))
    larger = scale * min(2, len(models))
    pitch, between, aside = (height + 1) * scale, 56, 28
    names = label_width([label for _, label, _ in models])
    path_left = width * larger + aside + names
    path_right = path_left + steps * (width + 1) * scale
    block = len(models) * pitch
    sheet = Sheet(path_right + aside + width * larger, pairs * (block + between) - between)
    for pair in range(pairs):
        top = pair * (block + between)
        end_top = top + (block - height * larger) // 2
        sheet.place(ends[pair, 0], 0, end_top, larger)
        sheet.place(ends[pair, 1], path_right + aside, end_top, larger)
        paths = np.stack([images[pair] for _, _, images in models])  # (models, steps, H, W)
        sheet.place(mosaic(paths), path_left, top, scale)
        for row, (model, label, _) in enumerate(models):
            middle = top + row * pitch + height * scale / 2
            sheet.name(label, width * larger + aside, middle, styles[model])
    return sheet.figure

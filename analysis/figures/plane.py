"""Maps of the judge's classes over the plane of two-dimensional latents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.estimate.regions import named_regions
from analysis.figures.canvas import LINE_HEIGHT, Images, Sheet, show, whole_scale
from analysis.figures.latents import COLUMNS, class_name, plane_axes
from analysis.present.style import CLASS_COLOURS, INK, ModelStyle

Floats = NDArray[np.floating]
Classes = NDArray[np.integer]

_SURE, _DOUBTED = 0.62, 0.26  # opacity of a class colour


@dataclass(frozen=True, slots=True, eq=False)
class ClassMap:
    """The judge's classes over the plane of a model.

    Attributes:
        model: display name.
        label: text to display.
        classes: (C, C), [i, j] at (z1 = axis[j], z2 = axis[i]).
        plausible: (C, C), whether the judge is confident; None if unknown.
    """

    model: str
    label: str
    classes: Classes
    plausible: NDArray[np.bool_] | None


def class_maps(
    maps: Sequence[ClassMap], axis: Floats, classes: Sequence[str], styles: Mapping[str, ModelStyle]
) -> Figure:
    """Draw one map per model: classes by colour and name, borders, and dots on implausible cells.

    Args:
        maps: all with the same number of cells.
        axis: (C,), z1 and z2 of the cells, ascending and evenly spaced.
        classes: name of each label.
        styles: by display name.
    """
    cells = len(axis)
    scale = whole_scale(cells, 900)
    side = cells * scale
    margin, head, foot, between = 76, LINE_HEIGHT + 16, 76, 60
    pitch_x, pitch_y = margin + side + between, head + side + foot
    columns = min(COLUMNS, len(maps))
    sheet = Sheet(columns * pitch_x - between + 20, -(-len(maps) // columns) * pitch_y)
    for place, shown in enumerate(maps):
        left, top = place % columns * pitch_x + margin, place // columns * pitch_y
        sheet.name(shown.label, left, top + LINE_HEIGHT / 2, styles[shown.model])
        _draw_map(sheet.axes(left, top + head, side, side), shown, axis, classes)
    return sheet.figure


def _draw_map(axes: Axes, shown: ClassMap, axis: Floats, classes: Sequence[str]) -> None:
    step = float(axis[-1] - axis[0]) / (len(axis) - 1)
    ends = (float(axis[0]) - step / 2, float(axis[-1]) + step / 2)
    show(axes, _coloured(shown)[::-1], (*ends, *ends))  # the first row has the lowest z2
    if shown.plausible is not None:
        rows, columns = np.nonzero(~shown.plausible)
        axes.plot(axis[columns], axis[rows], "o", ms=1.6, mew=0, color=INK, alpha=0.75)
    axes.add_collection(
        LineCollection(_borders(shown.classes, ends[0], step), colors=INK, linewidths=1.3)
    )
    axes.plot(0, 0, "+", color=INK, ms=13, mew=2)
    halo = [patheffects.withStroke(linewidth=3.2, foreground="white")]
    for region in named_regions(shown.classes):
        name = class_name(region.kind, classes)
        inner = slice(1, -1) if len(axis) > 2 else slice(None)  # keep labels inside the map
        z1, z2 = np.clip(axis[[region.column, region.row]], *axis[inner][[0, -1]])
        axes.annotate(
            name,
            (float(z1), float(z2)),
            ha="center",
            va="center",
            fontsize=13 if len(name) < 3 else 9,
            fontweight="bold",
            color=INK,
            path_effects=halo,
        )
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    plane_axes(axes, [float(axis[0]), float(axis[0] + axis[-1]) / 2, float(axis[-1])])


def _coloured(shown: ClassMap) -> Images:
    """(C, C, 3): each class in its colour on white, paler where it is implausible."""
    colours = np.array([to_rgb(colour) for colour in CLASS_COLOURS])[
        shown.classes % len(CLASS_COLOURS)
    ]
    plausible = np.ones(shown.classes.shape, bool) if shown.plausible is None else shown.plausible
    weight = np.where(plausible, _SURE, _DOUBTED)[..., np.newaxis]
    blended: Images = np.round(255 * (weight * colours + (1 - weight))).astype(np.uint8)
    return blended


def _borders(classes: Classes, start: float, step: float) -> list[list[tuple[float, float]]]:
    """Line segments between neighbouring cells of different classes."""
    segments = []
    for row, column in np.argwhere(classes[:, 1:] != classes[:, :-1]).tolist():
        x, y = start + (column + 1) * step, start + row * step
        segments.append([(x, y), (x, y + step)])
    for row, column in np.argwhere(classes[1:] != classes[:-1]).tolist():
        x, y = start + column * step, start + (row + 1) * step
        segments.append([(x, y), (x + step, y)])
    return segments

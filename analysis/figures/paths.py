"""Straight paths between the codes of two images, with the judge's class for every step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.canvas import Images, Sheet, label_width, mosaic, whole_scale
from analysis.figures.latents import class_name
from analysis.present.style import INK, MUTED, ModelStyle

PATHS_SHOWN = 12  # rows per sheet: more would not fit on a page
STRIP = 40  # screen pixels below a row, for the judge's classes
_TEXT, _BAR = 8.5, 9  # points; screen pixels


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The judge's output for the steps of a model's paths, each (pairs, steps).

    Attributes:
        classes: the most likely class.
        confidence: its probability, in [0, 1].
        plausible: whether that is above the 5th percentile over real images.
    """

    classes: NDArray[np.integer]
    confidence: NDArray[np.floating]
    plausible: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """The paths of one model.

    Attributes:
        model: display name.
        label: text to display.
        images: (pairs, steps, H, W).
        judged: output of the judge; None without one.
    """

    model: str
    label: str
    images: Images
    judged: Judged | None = None


def pairs_shown(pairs: int, models: int) -> int:
    """Return how many pairs fit on a sheet with this many models: at least one."""
    return min(pairs, max(1, PATHS_SHOWN // models))


def interpolations(
    ends: Images,
    models: Sequence[Paths],
    styles: Mapping[str, ModelStyle],
    classes: Sequence[str] = (),
) -> Figure:
    """Draw paths grouped by pair, one row per model, between the two images that they connect.

    Below a judged step are its class and a bar for the judge's confidence; an implausible step has
    a question mark after the class, and a hollow bar.

    Args:
        ends: (pairs, 2, H, W), the images at the ends.
        models: all with the same number of pairs and steps.
        styles: by display name.
        classes: names of the classes; without names, their indices are shown.
    """
    pairs, steps = pairs_shown(len(ends), len(models)), models[0].images.shape[1]
    height, width = ends.shape[2:]
    scale = min(whole_scale(width, 112), whole_scale((steps + 5) * (width + 1), 1900))
    larger = scale * (2 if len(models) > 2 else 1)
    strip = STRIP if any(paths.judged for paths in models) else 0
    pitch_x, pitch_y = (width + 1) * scale, height * scale + (strip or scale)
    between, aside = 52, 28
    names = label_width([paths.label for paths in models])
    path_left = width * larger + aside + names
    path_right = path_left + steps * pitch_x - scale
    block = len(models) * pitch_y
    sheet = Sheet(path_right + aside + width * larger, pairs * (block + between) - between)
    bars: list[_Bar] = []
    for pair in range(pairs):
        top = pair * (block + between)
        end_top = top + (block - strip - height * larger) // 2
        sheet.place(ends[pair, 0], 0, end_top, larger)
        sheet.place(ends[pair, 1], path_right + aside, end_top, larger)
        for row, paths in enumerate(models):
            row_top = top + row * pitch_y
            sheet.place(mosaic(paths.images[pair : pair + 1]), path_left, row_top, scale)
            middle = row_top + height * scale / 2
            sheet.name(paths.label, width * larger + aside, middle, styles[paths.model])
            if paths.judged is not None:
                below = row_top + height * scale
                bars += _judge_row(sheet, paths.judged, pair, classes, (path_left, below), pitch_x)
    if bars:
        _draw_bars(sheet, bars)
    return sheet.figure


@dataclass(frozen=True, slots=True)
class _Bar:
    left: float
    top: float
    room: float
    share: float
    plausible: bool


def _judge_row(
    sheet: Sheet,
    judged: Judged,
    pair: int,
    classes: Sequence[str],
    corner: tuple[float, float],
    pitch: int,
) -> list[_Bar]:
    """Write the classes below a row and return their bars, which are drawn all at once."""
    left, top = corner
    bars = []
    names = [class_name(int(kind), classes) for kind in judged.classes[pair]]
    # A short name is next to its bar, a long one above it.
    inline = max(map(len, names)) <= 2
    for step, name in enumerate(names):
        here, sure = left + step * pitch, bool(judged.plausible[pair, step])
        mark = name if sure else f"{name}?"
        text_left, text_room = (here, 38) if inline else (here, pitch - 6)
        sheet.write(
            _shortened(mark, text_room),
            text_left + 2,
            top + (STRIP / 2 - 4 if inline else 12),
            size=_TEXT if inline else 6.5,
            muted=not sure,
        )
        share = float(judged.confidence[pair, step])
        bar_left, bar_top = (here + 42, top + 11) if inline else (here + 2, top + 25)
        bars.append(_Bar(bar_left, bar_top, here + pitch - 8 - bar_left, share, sure))
    return bars


def _shortened(name: str, room: float) -> str:
    """Shorten a name with an ellipsis if it would reach the next image."""
    fitting = max(2, int(room / 10.5))
    return name if len(name) <= fitting else f"{name[: fitting - 1]}…"


def _draw_bars(sheet: Sheet, bars: Sequence[_Bar]) -> None:
    axes = sheet.overlay()
    groups = (
        ([_outline(bar, 1.0) for bar in bars], "#eceef1", "none"),
        ([_outline(bar, bar.share) for bar in bars if bar.plausible], INK, INK),
        ([_outline(bar, bar.share) for bar in bars if not bar.plausible], "white", MUTED),
    )
    for outlines, face, edge in groups:
        axes.add_collection(
            PolyCollection(outlines, facecolors=face, edgecolors=edge, linewidths=0.6)
        )


def _outline(bar: _Bar, share: float) -> list[tuple[float, float]]:
    right, bottom = bar.left + bar.room * share, bar.top + _BAR
    return [(bar.left, bar.top), (right, bar.top), (right, bottom), (bar.left, bottom)]

"""Text next to what is drawn: labels of points, placed without overlap, and text at rows."""

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from analysis.present.style import INK, MUTED

# Candidate positions of a label, in typographic points from its point, nearest first; (right, up).
_NEAR = ((9, 0), (6, 6), (6, -6), (-9, 0), (-6, 6), (-6, -6), (0, 10), (0, -10))
_PLACES = tuple(
    (right * far, up * far) for far, (right, up) in itertools.product((1, 2, 3, 4.5), _NEAR)
)
_POINT = 5  # typographic points kept free around a point
_ROUNDS = 50  # of pushing labels apart; ten labels settle in about ten
_LEADER = 14  # typographic points; a label further away gets a line to its point


def name_points(
    figure: Figure, axes: Axes, points: Sequence[tuple[float, float]], names: Sequence[str]
) -> None:
    """Write each name next to its point, where there is room within the axes.

    Call it last, when limits and layout no longer change. If every position is taken, the one
    with the least overlap is used.

    Args:
        figure: the figure of the axes.
        axes: with the points drawn and the limits set.
        points: in data coordinates.
        names: one per point; an empty one only keeps its point free.
    """
    figure.draw_without_rendering()  # computes the layout; pixel positions are valid from here on
    scale = figure.dpi / 72
    frame = axes.get_window_extent()
    centres = [tuple(axes.transData.transform(point)) for point in points]
    taken = [_around(x, y, _POINT * scale) for x, y in centres]
    for place, (point, name) in enumerate(zip(points, names, strict=True)):
        if not name:
            continue
        others = taken[:place] + taken[place + 1 :]  # it may be close to its own point
        text = axes.annotate(
            name, point, (0, 0), textcoords="offset points", fontsize=7.5, color=INK, zorder=6
        )
        text.set_path_effects([withStroke(linewidth=2.5, foreground="white")])  # above lines
        costs = []
        for right, up in _PLACES:
            _put(text, right, up)
            box = text.get_window_extent().expanded(1.02, 1.02)
            outside = 0 if _within(box, frame) else 1e6
            costs.append(sum(_shared(box, other) for other in others) + outside)
        right, up = _PLACES[costs.index(min(costs))]
        _put(text, right, up)
        taken.append(text.get_window_extent())
        if abs(right) + abs(up) > _LEADER:
            leader = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0}
            axes.annotate(
                "", point, (right, up), textcoords="offset points", arrowprops=leader, zorder=2
            )


def spread(places: NDArray[np.floating], gap: float) -> NDArray[np.float64]:
    """Push labels apart that are closer than a gap, as little as necessary.

    Args:
        places: (N, 2), preferred positions.
        gap: the distance to keep, in the same units.
    """
    moved = places.astype(np.float64)
    for _ in range(_ROUNDS):
        for one, other in itertools.combinations(range(len(moved)), 2):
            offset = moved[other] - moved[one]
            distance = float(np.hypot(*offset))
            if distance < gap:
                direction = offset / distance if distance else np.array([1.0, 0.0])
                push = direction * (gap - distance) / 2
                moved[one] -= push
                moved[other] += push
    return moved


def text_at_row(
    axes: Axes, row: float, text: str, points: float, side: Literal["left", "right"], **style: Any
) -> None:
    """Write text to the right of the panel, at the height of a row.

    Args:
        axes: with rows along y.
        row: in data coordinates.
        text: one line.
        points: distance from the right edge of the panel, in typographic points.
        side: which side of the text is at that position.
        style: options of matplotlib's Text.
    """
    axes.annotate(
        text,
        (1, row),
        (points, 0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=8,
        annotation_clip=False,
        **style,
    )


def _put(text: Text, right: float, up: float) -> None:
    text.set_position((right, up))
    text.set_horizontalalignment("left" if right > 0 else "right" if right < 0 else "center")
    text.set_verticalalignment("center" if up == 0 else "bottom" if up > 0 else "top")


def _around(x: float, y: float, reach: float) -> Bbox:
    return Bbox.from_extents(x - reach, y - reach, x + reach, y + reach)


def _within(box: Bbox, frame: Bbox) -> bool:
    return bool(
        frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
    )


def _shared(one: Bbox, other: Bbox) -> float:
    """The overlap of two boxes, in square pixels."""
    common = Bbox.intersection(one, other)
    return 0.0 if common is None else float(common.width * common.height)

"""Maps of the objective over pairs of dimensions: every trial, with a pale surface in between."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.tri import TriAnalyzer, Triangulation
from numpy.typing import NDArray

from analysis.estimate.landscape import Area
from analysis.figures.scales import scale_of
from analysis.figures.search import groups_of, look
from analysis.present.style import INK, WIDTH

LEVELS = 10
PALE = 0.55  # share of white mixed into the surface, so that the points stand out
FLATTEST = 0.03  # triangles with a smaller ratio of incircle to circumcircle are masked

Points = NDArray[np.float64]


def contours(
    areas: Sequence[Area], limits: Sequence[tuple[float, float]], label: str, higher: bool
) -> Figure:
    """Draw one row per area and one panel per pair of dimensions.

    The surface is linear between neighbouring trials (Delaunay triangulation over the axes as
    drawn) and not extrapolated.

    Args:
        areas: at least one, each with at least one pair.
        limits: colour limits of each area; values outside have the colour of the limit.
        label: label of the colour bar.
        higher: whether higher is better; better is brighter.
    """
    columns = max(len(area.pairs) for area in areas)
    width = WIDTH if columns > 1 else 0.55 * WIDTH
    figure = Figure(figsize=(width, 3.15 * len(areas) + 0.25), layout="constrained")
    panels = figure.subplots(len(areas), columns, squeeze=False)
    for row, area, ends in zip(panels, areas, limits, strict=True):
        norm, colours = _colours(ends, higher)
        for axes in row[len(area.pairs) :]:
            axes.set_visible(False)
        for axes, (across, up) in zip(row, area.pairs, strict=False):
            horizontal = scale_of(across, area.trials[across.name])
            vertical = scale_of(up, area.trials[up.name])
            x = horizontal.positions(area.trials[across.name])
            y = vertical.positions(area.trials[up.name])
            _surface(axes, x, y, area.values, norm, colours)
            _points(axes, x, y, area, norm, colours)
            horizontal.horizontal(axes)
            vertical.vertical(axes)
            axes.set_xlabel(across.label.lower())
            axes.set_ylabel(up.label.lower())
            axes.grid(visible=False)
        row[0].set_title(f"{area.group}, {len(area.trials)} trials")
        bar = figure.colorbar(
            ScalarMappable(norm, colours), ax=list(row[: len(area.pairs)]), aspect=28, pad=0.012
        )
        bar.set_label(label, fontsize=8)
        bar.outline.set_visible(False)
    return figure


def _colours(limits: tuple[float, float], higher: bool) -> tuple[BoundaryNorm, Colormap]:
    levels = MaxNLocator(LEVELS, steps=[1, 2, 2.5, 5, 10]).tick_values(*limits)
    colours = mpl.colormaps["viridis" if higher else "viridis_r"]
    return BoundaryNorm(levels, colours.N), colours


def _surface(
    axes: Axes, x: Points, y: Points, values: pd.Series, norm: BoundaryNorm, colours: Colormap
) -> None:
    triangles = triangulation(x, y)
    if triangles is None:
        return
    # Trials at the same point are averaged.
    places = pd.DataFrame({"x": x, "y": y, "value": values.to_numpy()}).groupby(["x", "y"])
    heights = places["value"].mean().clip(norm.boundaries[0], norm.boundaries[-1])
    pale = ListedColormap(PALE + (1 - PALE) * colours(np.linspace(0, 1, 256))[:, :3])
    surface = axes.tricontourf(
        triangles, heights.to_numpy(), levels=norm.boundaries, norm=norm, cmap=pale, zorder=1
    )
    # Edges in the colour of their face: otherwise white seams appear between the levels.
    surface.set_edgecolor("face")
    surface.set_linewidth(0.4)


def triangulation(x: Points, y: Points) -> Triangulation | None:
    """Delaunay triangulation of the distinct points, sorted; None if all are on one line.

    Both axes are scaled equally, regardless of units. Slivers at the hull are masked.

    Args:
        x: (N,).
        y: (N,).
    """
    points = np.unique(np.stack([x, y], axis=1), axis=0)
    spans = np.ptp(points, axis=0)
    if len(points) < 3 or (spans == 0).any():
        return None
    even = (points - points.min(axis=0)) / spans
    if np.linalg.matrix_rank(even - even[0], tol=1e-6) < 2:
        return None
    found = Triangulation(even[:, 0], even[:, 1])
    flat = TriAnalyzer(found).get_flat_tri_mask(FLATTEST)
    if flat.all():
        return None
    return Triangulation(points[:, 0], points[:, 1], found.triangles, flat)


def _points(
    axes: Axes, x: Points, y: Points, area: Area, norm: BoundaryNorm, colours: Colormap
) -> None:
    places = pd.DataFrame({"x": x, "y": y}, index=area.trials.index)
    for name, group in groups_of(area.trials):
        axes.scatter(
            places.loc[group.index, "x"],
            places.loc[group.index, "y"],
            c=area.values[group.index].to_numpy(),
            norm=norm,
            cmap=colours,
            marker=look(name).marker,
            s=24,
            edgecolors=INK,
            linewidths=0.7,
            zorder=3,
        )

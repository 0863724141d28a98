"""The aggregate posterior and the prior, dimension by dimension."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from analysis.estimate.densities import normal_density
from analysis.present.style import INK, MUTED, WIDTH, Dash, ModelStyle

Floats = NDArray[np.floating]

SOLID: Dash = "-"
DASHED: Dash = (0, (4, 1.6))
PRIOR: Dash = (0, (1, 1.2))


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """The aggregate posterior of one model.

    Attributes:
        model: display name.
        label: text to display.
        densities: (M, d), the density of each dimension at each z.
        order: (d,), the dimensions from the most to the least active.
        distance: text about the marginal KL, in one or two lines; empty for none.
    """

    model: str
    label: str
    densities: Floats
    order: NDArray[np.integer]
    distance: str = ""


def aggregate_posteriors(
    models: Sequence[Aggregate], z: Floats, columns: int, styles: Mapping[str, ModelStyle]
) -> Figure:
    """Draw one panel per model: two dimensions, the range over all of them, and the prior.

    Two-dimensional models show both dimensions; larger ones the most and the least active.

    Args:
        models: at least one.
        z: (M,), ascending.
        columns: panels per row.
        styles: by display name.
    """
    columns = min(columns, len(models))
    rows = -(-len(models) // columns)
    figure = Figure(figsize=(WIDTH, 2.15 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[len(models) :]:
        axes.set_visible(False)
    prior = normal_density(z)
    for axes, shown in zip(panels.flat, models, strict=False):
        _draw(axes, shown, z, prior, styles[shown.model])
    # Spikes of narrow components would flatten everything else.
    top = 1.15 * max(float(np.quantile(shown.densities.max(0), 0.9)) for shown in models)
    panels[0, 0].set_ylim(0, max(top, 1.2 * float(prior.max())))
    panels[0, 0].set_xlim(z[0], z[-1])
    for axes in panels[:, 0]:
        axes.set_ylabel("density")
    for axes in panels[-1]:
        axes.set_xlabel("z")
    _legend(figure, models)
    return figure


def _draw(axes: Axes, shown: Aggregate, z: Floats, prior: Floats, style: ModelStyle) -> None:
    if shown.densities.shape[1] > 2:
        low, high = shown.densities.min(1), shown.densities.max(1)
        axes.fill_between(z[::3], low[::3], high[::3], color=style.colour, alpha=0.16, linewidth=0)
    axes.plot(z[::5], prior[::5], color=MUTED, linestyle=PRIOR, linewidth=1.8, zorder=3)
    first, last = _dimensions(shown)
    axes.plot(z, shown.densities[:, first], color=style.colour, linestyle=SOLID, lw=1.5)
    if last != first:
        axes.plot(z, shown.densities[:, last], color=style.colour, linestyle=DASHED, lw=1.5)
    axes.set_title(f"    {shown.label}", fontsize=9, fontweight="normal")
    axes.text(
        0.985, 0.95, shown.distance, transform=axes.transAxes, ha="right", va="top", fontsize=8,
        color=INK,
    )  # fmt: skip
    axes.plot(
        [0.02], [1.085], style.marker, color=style.colour, ms=5.5, transform=axes.transAxes,
        clip_on=False,
    )  # fmt: skip


def _dimensions(shown: Aggregate) -> tuple[int, int]:
    """Both dimensions of two; otherwise the most and the least active."""
    if shown.densities.shape[1] == 2:
        return 0, 1
    return int(shown.order[0]), int(shown.order[-1])


def _legend(figure: Figure, models: Sequence[Aggregate]) -> None:
    sizes = {shown.densities.shape[1] for shown in models}
    solid = [name for name, there in (("z1", 2 in sizes), ("most active", max(sizes) > 2)) if there]
    dashed = [
        name for name, there in (("z2", 2 in sizes), ("least active", max(sizes) > 2)) if there
    ]
    entries: list[tuple[Line2D | Patch, str]] = [
        (Line2D([], [], color=MUTED, linestyle=PRIOR, linewidth=1.8), "prior N(0, 1)"),
        (Line2D([], [], color=MUTED, linestyle=SOLID), " or ".join(solid) or "the only dimension"),
    ]
    if dashed:
        entries.append((Line2D([], [], color=MUTED, linestyle=DASHED), " or ".join(dashed)))
    if max(sizes) > 2:
        entries.append((Patch(facecolor=MUTED, alpha=0.25), "range over all dimensions"))
    handles, labels = zip(*entries, strict=True)
    figure.legend(
        handles, labels, loc="outside upper left", ncols=4, columnspacing=1.8, handlelength=2.6
    )

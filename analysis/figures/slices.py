"""Values of trials against each searched dimension, in one panel each."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.figures.scales import UPWARDS, jitter, scale_of
from analysis.figures.search import draw_trials, ring, trial_legend
from analysis.present.style import FAINT, MUTED, WIDTH
from analysis.read.space import SpaceDimension

COLUMNS = 5  # at most
BAND = 0.16  # share of the axis reserved for trials without a value


def slices(
    trials: pd.DataFrame,
    values: pd.Series,
    dimensions: Sequence[SpaceDimension],
    label: str,
    limits: tuple[float, float],
    higher: bool,
    winner: int | None = None,
) -> Figure:
    """Draw one panel per dimension with the trials to which it applies.

    Trials without a value are in a band at the worse end of the axis; trials outside the limits
    are at its edge.

    Args:
        trials: with ``number``, ``state`` and a column for each dimension.
        values: by the index of ``trials``; NaN for none.
        dimensions: at least one.
        label: label of the vertical axes.
        limits: limits of the values.
        higher: whether higher is better.
        winner: number of the best trial.
    """
    rows = -(-len(dimensions) // COLUMNS)
    columns = -(-len(dimensions) // rows)
    figure = Figure(figsize=(WIDTH, 2.35 * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in panels.flat[len(dimensions) :]:
        axes.set_visible(False)
    heights, bounds = _heights(trials, values, limits, higher)
    for place, (axes, dimension) in enumerate(zip(panels.flat, dimensions, strict=False)):
        shown = trials[_applies(trials[dimension.name])]
        axes.set_title(dimension.label, fontsize=9)
        _slice(axes, shown, heights, dimension, winner)
        if values.isna().any():
            _band(axes, limits, bounds, higher, name=place % columns == 0)
        axes.set_yticks(_ticks(limits, higher))
        axes.set_ylim(*bounds)
        axes.tick_params(labelleft=place % columns == 0)
    figure.supylabel(label, color=MUTED, fontsize=8.5)
    trial_legend(figure, trials, {}, winner is not None)
    return figure


def _ticks(limits: tuple[float, float], higher: bool) -> list[float]:
    """Ticks within the limits, clear of the name of the band at the worse end."""
    low, high = limits
    clear = 0.06 * (high - low)
    values = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    low, high = (low + clear, high) if higher else (low, high - clear)
    return [float(value) for value in values if low <= value <= high]


def _applies(column: pd.Series) -> pd.Series:
    return column.notna() & (column.astype(str) != "")


def _slice(
    axes: Axes,
    trials: pd.DataFrame,
    heights: pd.Series,
    dimension: SpaceDimension,
    winner: int | None,
) -> None:
    if dimension.condition:
        axes.set_xlabel(f"{dimension.condition} only")
    if trials.empty:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "no trials", transform=axes.transAxes, ha="center", color=MUTED)
        return
    scale = scale_of(dimension, trials[dimension.name])
    scale.horizontal(axes)
    across = pd.Series(scale.spread(trials[dimension.name], trials["number"]), index=trials.index)
    draw_trials(axes, trials, across, heights, size=17)
    for row in trials.index[trials["number"] == winner]:
        ring(axes, across[row], heights[row])


def _heights(
    trials: pd.DataFrame, values: pd.Series, limits: tuple[float, float], higher: bool
) -> tuple[pd.Series, tuple[float, float]]:
    """Height of each trial, and the limits of the axis including the band."""
    low, high = limits
    band = BAND * (high - low) if values.isna().any() else 0.0
    margin = 0.03 * (high - low)
    # Spread within the band, so that trials do not overlap.
    spread = jitter(trials["number"], UPWARDS)
    middle = low - margin - band / 2 if higher else high + margin + band / 2
    inside = pd.Series(middle + 0.6 * band * spread, index=trials.index)
    heights = values.clip(low, high).where(values.notna(), inside)
    bottom = low - margin - (band if higher else 0.0)
    top = high + margin + (0.0 if higher else band)
    return heights, (float(bottom), float(top))


def _band(
    axes: Axes,
    limits: tuple[float, float],
    bounds: tuple[float, float],
    higher: bool,
    name: bool,
) -> None:
    low, high = limits
    margin = 0.03 * (high - low)
    ends = (bounds[0], low - margin) if higher else (high + margin, bounds[1])
    axes.axhspan(*ends, color=FAINT, alpha=0.6, linewidth=0, zorder=0)
    if name:
        axes.annotate(
            "pruned",
            (0, float(np.mean(ends))),
            (-4, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8,
            color=MUTED,
        )

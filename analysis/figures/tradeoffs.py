"""Quality and cost: the ELBO against the number of parameters and the training time."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.estimate.intervals import interval_of
from analysis.estimate.pareto import pareto_optimal
from analysis.figures.labels import name_points
from analysis.figures.limits import log_ticks, view
from analysis.present.style import INK, MUTED, WIDTH, ModelStyle
from analysis.words import axis_title
from pipeline.schemas.metrics import ELBO
from pipeline.schemas.protocol import Protocol

MOST_NAMES = 12  # next to points; more would overlap
COSTS = {"parameters": "parameters", "train_seconds_mean": "training time in seconds"}


def frontier(summary: pd.DataFrame, cost: str) -> list[str]:
    """Return the Pareto-optimal configurations in mean ELBO and cost, cheapest first.

    Args:
        summary: from ``summarise``.
        cost: one of its columns, lower is better.
    """
    optimal = pareto_optimal(np.column_stack([summary[cost], -summary["elbo_mean"]]))
    return [str(name) for name in summary[optimal].sort_values(cost, kind="stable")["model"]]


def tradeoffs(
    summary: pd.DataFrame, styles: Mapping[str, ModelStyle], protocol: Protocol
) -> Figure:
    """Draw mean ELBO against each cost, with rings around the optimal ones and a step line.

    Args:
        summary: from ``summarise``.
        styles: by display name.
        protocol: determines the wording of axes.
    """
    figure = Figure(figsize=(WIDTH, 4.3), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    limits = view(summary["elbo_mean"], summary[["elbo_low", "elbo_high"]])
    for axes, (cost, label) in zip(panels, COSTS.items(), strict=True):
        _panel(axes, summary, cost, styles)
        axes.set_ylim(*limits)
        axes.set_xlabel(f"{label} (log scale)")
        axes.set_title(f"{axis_title(ELBO, protocol)} against {label.split(' in ')[0]}")
    panels[0].set_ylabel(f"nats per image, {protocol.split} split")
    ring = Line2D([], [], color=MUTED, marker="o", mec=INK, mew=1.4, ms=7, linestyle="")
    steps = Line2D([], [], color=MUTED, linewidth=1.2)
    figure.legend(
        [ring, steps],
        ["Pareto-optimal: none is both cheaper and better", "best ELBO at or below that cost"],
        loc="outside upper left",
        ncols=2,
    )
    for axes, cost in zip(panels, COSTS, strict=True):
        points = list(zip(summary[cost], summary["elbo_mean"], strict=True))
        named = set(named_models(summary, cost))
        names = [_name(row) if row["model"] in named else "" for _, row in summary.iterrows()]
        name_points(figure, axes, points, names)
    return figure


def named_models(summary: pd.DataFrame, cost: str) -> list[str]:
    """Return the configurations to label: all, or only the optimal ones if there are many."""
    models = [str(name) for name in summary["model"]]
    return models if len(models) <= MOST_NAMES else frontier(summary, cost)


def _panel(axes: Axes, summary: pd.DataFrame, cost: str, styles: Mapping[str, ModelStyle]) -> None:
    best = frontier(summary, cost)
    along = summary.set_index("model").loc[best]
    low, high = _log_limits(summary[cost])
    axes.set_xlim(low, high)
    # Extended beyond the last point: higher costs yield nothing better.
    ends = [*along[cost], high], [*along["elbo_mean"], along["elbo_mean"].iloc[-1]]
    axes.step(*ends, where="post", color=MUTED, linewidth=1.2, zorder=1)
    for _, row in summary.iterrows():
        style, interval = styles[row["model"]], interval_of(row, "elbo")
        if interval.is_known:
            axes.vlines(row[cost], interval.low, interval.high, color=style.colour, lw=1.4)
        ring, width = (INK, 1.4) if row["model"] in best else ("white", 0.5)
        axes.plot(
            [row[cost]],
            [interval.mean],
            style.marker,
            color=style.colour,
            markersize=8,
            markeredgecolor=ring,
            markeredgewidth=width,
            zorder=4,
        )
    log_ticks(axes)


def _name(row: pd.Series) -> str:
    return f"{row['model']} ({row['collapsed']} collapsed)" if row["collapsed"] else row["model"]


def _log_limits(values: pd.Series) -> tuple[float, float]:
    """Limits with a margin for labels, even if all values are equal."""
    low, high = float(values.min()), float(values.max())
    factor = max((high / low) ** 0.18, 1.2)
    return low / factor, high * factor

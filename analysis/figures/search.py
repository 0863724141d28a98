"""The history of a search, and how trials are drawn in every figure about it."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.present.style import INK, MUTED, WIDTH, ModelStyle, legend_label

# Filled for complete, hollow for pruned trials: legible without colour too.
ARCHITECTURE = {
    "linear": ModelStyle("#d9480f", "o"),
    "conv": ModelStyle("#1c5fb0", "s"),
}
STATES = ("complete", "pruned")


def look(architecture: str) -> ModelStyle:
    """Return the style of an architecture's trials."""
    return ARCHITECTURE.get(architecture, ModelStyle(MUTED, "D"))


def groups_of(trials: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Group trials by architecture, or all together if it was not searched."""
    if "architecture" not in trials:
        yield "trials", trials
        return
    for name, group in trials.groupby("architecture"):
        yield str(name), group


def draw_trials(
    axes: Axes, trials: pd.DataFrame, across: pd.Series, up: pd.Series, size: float = 30
) -> None:
    """Draw one point per trial.

    Args:
        axes: to draw on.
        trials: with ``state`` and, if searched, ``architecture``.
        across: horizontal positions, by the index of ``trials``.
        up: vertical positions.
        size: of the points, as in matplotlib.
    """
    for name, group in groups_of(trials):
        style = look(name)
        for state in STATES:
            shown = group.index[group["state"] == state]
            axes.scatter(
                across[shown],
                up[shown],
                marker=style.marker,
                s=size,
                facecolors=style.colour if state == "complete" else "none",
                edgecolors=style.colour,
                linewidths=1.1,
                alpha=1.0 if state == "complete" else 0.65,
                clip_on=False,
                zorder=3,
            )


def ring(axes: Axes, across: float, up: float) -> None:
    """Draw a ring around the best trial."""
    axes.plot([across], [up], **_RING, clip_on=False, zorder=4)  # type: ignore[arg-type]


_RING = {
    "marker": "o",
    "linestyle": "",
    "markersize": 12,
    "markerfacecolor": "none",
    "markeredgecolor": INK,
    "markeredgewidth": 1.2,
}


def trial_legend(
    figure: Figure, trials: pd.DataFrame, more: Mapping[str, Artist], best: bool = True
) -> None:
    """Add a legend above the panels.

    Args:
        figure: to write on.
        trials: the trials that are drawn.
        more: further entries by label.
        best: whether a ring marks the best trial.
    """
    handles: list[Artist] = []
    labels: list[str] = []
    for name, group in groups_of(trials):
        style = look(name)
        for state in STATES:
            if (group["state"] == state).any():
                face = style.colour if state == "complete" else "none"
                handles.append(
                    Line2D([], [], ls="", marker=style.marker, mec=style.colour, mfc=face, ms=5.5)
                )
                labels.append(legend_label(f"{name}, {state}"))
    if best:
        handles.append(Line2D([], [], **_RING | {"markersize": 6.5}))  # type: ignore[arg-type]
        labels.append("best trial")
    handles += more.values()
    labels += more
    figure.legend(
        handles, labels, loc="outside upper left", ncols=7, columnspacing=1.6, borderaxespad=0.3
    )


def score_limits(
    scores: Sequence[float] | pd.Series, higher: bool, share: float = 0.1
) -> tuple[float, float]:
    """Return limits that separate good trials: a tenth of the complete ones may be outside.

    Args:
        scores: of complete trials, at least one.
        higher: whether higher is better.
        share: share of the worst trials that may be outside.
    """
    series = pd.Series(scores)
    worst = series.quantile(share if higher else 1 - share)
    best = series.max() if higher else series.min()
    low, high = min(worst, best), max(worst, best)
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def history(
    trials: pd.DataFrame,
    best: pd.Series,
    label: str,
    limits: tuple[float, float],
    winner: int | None = None,
) -> Figure:
    """Draw values against trial numbers, by architecture and state, with the best so far.

    Args:
        trials: columns ``number``, ``state``, ``value`` and, if searched, ``architecture``.
        best: the best so far, by number.
        label: label of the vertical axis.
        limits: limits of the vertical axis; trials outside are drawn at its edge.
        winner: number of the best trial.
    """
    low, high = limits
    trials = trials.assign(value=trials["value"].clip(low, high))
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axes = figure.subplots()
    line = axes.step(best.index, best, where="post", color=INK, linewidth=1.2)[0]
    draw_trials(axes, trials, trials["number"], trials["value"])
    for _, row in trials[trials["number"] == winner].iterrows():
        ring(axes, row["number"], row["value"])
    axes.set_xlabel("trial")
    axes.set_ylabel(label)
    # Keep points at the edge clear of the axis.
    margin = 0.03 * (high - low)
    axes.set_ylim(low - margin, high + margin)
    last = float(trials["number"].max()) if len(trials) else 0.0
    axes.set_xlim(-0.02 * max(last, 1) - 0.3, last + 0.02 * max(last, 1) + 0.3)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True, steps=[1, 2, 5, 10]))
    trial_legend(figure, trials, {"best so far": line}, winner is not None)
    return figure

"""A search's trials in their order."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.style import INK, MUTED, WIDTH, ModelStyle

# Filled for complete, hollow for pruned trials: readable without colour as well.
ARCHITECTURE = {
    "linear": ModelStyle("#d9480f", "o"),
    "conv": ModelStyle("#1c5fb0", "s"),
}


def history(
    trials: pd.DataFrame, best: pd.Series, label: str, limits: tuple[float, float]
) -> Figure:
    """Value against number, by architecture and state, with the best so far.

    Args:
        trials: columns ``number``, ``state``, ``value`` and, if searched, ``architecture``.
        best: the best so far, by number.
        label: of the vertical axis.
        limits: of the vertical axis; trials beyond stand at its edge.
    """
    low, high = limits
    trials = trials.assign(value=trials["value"].clip(low, high))
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axes = figure.subplots()
    groups = trials.groupby("architecture") if "architecture" in trials else [("all", trials)]
    for name, group in groups:
        look = ARCHITECTURE.get(str(name), ModelStyle(MUTED, "o"))
        for state, filled in (("complete", True), ("pruned", False)):
            shown = group[group["state"] == state]
            axes.scatter(
                shown["number"],
                shown["value"],
                marker=look.marker,
                s=30,
                facecolors=look.colour if filled else "none",
                edgecolors=look.colour,
                linewidths=1.1,
                alpha=1.0 if filled else 0.65,
                label=f"{name}, {state}",
                clip_on=False,
                zorder=3,
            )
    axes.step(best.index, best, where="post", color=INK, linewidth=1.2, label="best so far")
    axes.set_xlabel("trial")
    axes.set_ylabel(label)
    axes.set_ylim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    figure.legend(loc="outside upper center", ncols=5, frameon=False)
    return figure

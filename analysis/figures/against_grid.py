"""New seeds of the search's best trials next to the seeds of the grid's best cells."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from analysis.estimate.against_grid import SearchAgainstGrid
from analysis.estimate.intervals import Interval
from analysis.figures.limits import view
from analysis.figures.search import look
from analysis.present.style import INK, MUTED, WIDTH

ROWS = ("grid", "search")
BELOW = 0.27  # of a mean's row: where its seeds are


def against_grid(compared: Sequence[SearchAgainstGrid]) -> Figure:
    """Draw one panel per architecture, with one row for the grid and one for the search.

    Architectures can be far apart, so each has its own axis.

    Args:
        compared: at least one.
    """
    figure = Figure(figsize=(WIDTH, 1.9), layout=ConstrainedLayoutEngine(wspace=0.08))
    panels = figure.subplots(1, len(compared), squeeze=False)[0]
    for axes, one in zip(panels, compared, strict=True):
        colour = look(one.architecture).colour
        _row(axes, 0, one.grid_mean, one.grid, MUTED)
        _row(axes, 1, one.new_mean, one.new, colour)
        searched = one.best.metrics["elbo"]
        axes.plot([searched], [1], "D", mfc="none", mec=colour, ms=6)
        ends = [[mean.low, mean.high] for mean in (one.grid_mean, one.new_mean)]
        axes.set_xlim(*view([*one.grid, *one.new, searched], ends))
        axes.set_ylim(1.6, -0.4)
        axes.set_yticks((0, 1), ROWS if axes is panels[0] else ("", ""))
        axes.tick_params(axis="y", colors=INK)
        axes.set_title(f"{one.architecture}: trial {one.best.number} against {one.cell}")
        axes.set_xlabel("validation ELBO, nats")
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x")
    handles = [
        Line2D([], [], color=INK, marker="o", ms=5.5, lw=1.6),
        Line2D([], [], color=INK, marker=".", ms=5, ls=""),
        Line2D([], [], color=INK, marker="D", mfc="none", ms=5, ls=""),
    ]
    labels = ["mean with its interval", "one seed", "value in the search"]
    figure.legend(handles, labels, loc="outside upper left", ncols=3, borderaxespad=0.3)
    return figure


def _row(axes: Axes, row: int, mean: Interval, seeds: Sequence[float], colour: str) -> None:
    if mean.is_known:
        axes.hlines(row, mean.low, mean.high, color=colour, linewidth=1.6)
    axes.plot(seeds, [row + BELOW] * len(seeds), ".", color=colour, ms=6)
    axes.plot([mean.mean], [row], "o", color=colour, ms=5.5)

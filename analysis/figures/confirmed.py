"""By how much the search overestimated trials, compared with new seeds."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.estimate.confirmed import ConfirmedTrial
from analysis.figures.labels import text_at_row
from analysis.figures.limits import view
from analysis.present.intervals import format_interval
from analysis.present.style import INK, MUTED, WIDTH
from analysis.words import format_number

# In typographic points from the right edge of the panel.
MEAN, INTERVAL = 50, 58


def optimism_rows(confirmed: Sequence[ConfirmedTrial], names: Mapping[int, str]) -> Figure:
    """Draw one row per trial: its optimism with the interval, and that for each new seed.

    Absolute values would spread trials of different quality far apart and hide their intervals.

    Args:
        confirmed: at least one.
        names: description of each trial, by number.
    """
    labels = [label(one, names) for one in confirmed]
    row_height, head, foot = 0.38, 0.45, 0.55  # inches
    height = len(confirmed) * row_height + head + foot
    figure = Figure(figsize=(WIDTH, height))
    left = min(0.4, (0.3 + 0.07 * max(map(len, labels))) / WIDTH)
    tall = len(confirmed) * row_height / height
    axes = figure.add_axes((left, foot / height, 0.8 - left, tall))
    axes.axvline(0, color=MUTED, linewidth=1)
    for row, one in enumerate(confirmed):
        optimism = one.optimism
        if optimism.is_known:
            axes.hlines(row, optimism.low, optimism.high, color=INK, linewidth=1.6)
        seeds = [one.searched - elbo for elbo in one.elbos]
        axes.plot(seeds, [row + 0.26] * len(seeds), ".", color=MUTED, ms=5)
        axes.plot([optimism.mean], [row], "o", color=INK, ms=5.5)
        text_at_row(axes, row, format_number(optimism.mean, signed=True), MEAN, "right")
        text_at_row(axes, row, format_interval(optimism, signed=True), INTERVAL, "left")
    seen = [0.0, *(one.searched - elbo for one in confirmed for elbo in one.elbos)]
    axes.set_xlim(*view(seen, [[one.optimism.low, one.optimism.high] for one in confirmed]))
    axes.set_yticks(range(len(confirmed)), labels)
    axes.tick_params(axis="y", colors=INK)
    axes.set_ylim(len(confirmed) - 0.5, -0.5)
    axes.set_xlabel("searched ELBO minus that of new seeds, nats (right of zero: overestimated)")
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x")
    handles = [
        Line2D([], [], color=INK, marker="o", ms=5.5, lw=1.6),
        Line2D([], [], color=MUTED, marker=".", ms=5, ls=""),
    ]
    figure.legend(
        handles,
        ["against the mean of new seeds, with its interval", "against one new seed"],
        loc="upper left",
        bbox_to_anchor=(left, 1 - 0.06 / height),
        ncols=2,
    )
    return figure


def label(one: ConfirmedTrial, names: Mapping[int, str]) -> str:
    """Return ``trial 30: conv-26``."""
    name = names.get(one.number, "")
    return f"trial {one.number}: {name}" if name else f"trial {one.number}"

"""Bars of the variance that each hyperparameter explains (fANOVA)."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from analysis.figures.search import look
from analysis.present.style import INK, WIDTH
from analysis.read.fanova import ALL, FanovaImportance
from analysis.read.space import readable
from analysis.words import format_percent, pluralise

BAR = "#4b5563"  # the colour of all trials together
PALE = 0.55  # opacity of bars, so that the intervals stand out
GAP = 0.015  # between a bar and its number, in units of the axis


def fanova_bars(groups: Sequence[FanovaImportance]) -> Figure:
    """Draw one panel per group of trials and one bar per hyperparameter, the longest on top.

    A line across the end of each bar is its interval.

    Args:
        groups: at least one.
    """
    most = max(len(group.shares) for group in groups)
    width = WIDTH if len(groups) > 1 else 0.6 * WIDTH
    figure = Figure(figsize=(width, 0.27 * most + 0.95), layout="constrained")
    panels = figure.subplots(1, len(groups), squeeze=False)[0]
    longest = max(share.high for group in groups for share in group.shares.values())
    for axes, group in zip(panels, groups, strict=True):
        shares = list(group.shares.values())
        colour = BAR if group.group == ALL else look(group.group).colour
        axes.barh(
            range(len(shares)), [one.mean for one in shares], height=0.66, color=colour, alpha=PALE
        )
        for place, share in enumerate(shares):
            axes.hlines(place, share.low, share.high, color=INK, linewidth=1.2)
            axes.text(
                max(share.mean, share.high) + GAP,
                place,
                format_percent(round(share.mean, 2)),
                va="center",
                fontsize=8,
                color=INK,
            )
        axes.set_yticks(range(len(shares)), [readable(name) for name in group.shares])
        # Bars of the same length mean the same share in all panels, however many bars they have.
        axes.set_ylim(most - 0.4, -0.6)
        axes.set_xlim(0, longest + 0.12)
        axes.tick_params(axis="y", colors=INK)
        name = "all" if group.group == ALL else group.group
        axes.set_title(f"{name}, {pluralise(group.trials, 'trial')}")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.set_xlabel("share of the variance")
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x")
    return figure

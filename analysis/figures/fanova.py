"""Shares of the variance that each hyperparameter explains, as bars."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from analysis.figures.search import look
from analysis.present.style import INK, WIDTH
from analysis.read.fanova import ALL, FanovaImportance
from analysis.read.space import readable
from analysis.words import format_percent

BAR = "#4b5563"  # of all trials together
GAP = 0.015  # between a bar and its number, as a share


def fanova_bars(groups: Sequence[FanovaImportance]) -> Figure:
    """A panel a group of trials, a bar a hyperparameter, the longest on top.

    Args:
        groups: at least one.
    """
    most = max(len(group.shares) for group in groups)
    width = WIDTH if len(groups) > 1 else 0.6 * WIDTH
    figure = Figure(figsize=(width, 0.27 * most + 0.95), layout="constrained")
    panels = figure.subplots(1, len(groups), squeeze=False)[0]
    longest = max(share for group in groups for share in group.shares.values())
    for axes, group in zip(panels, groups, strict=True):
        shares = list(group.shares.values())
        colour = BAR if group.group == ALL else look(group.group).colour
        axes.barh(range(len(shares)), shares, height=0.66, color=colour)
        for place, share in enumerate(shares):
            axes.text(
                share + GAP,
                place,
                format_percent(round(share, 2)),
                va="center",
                fontsize=8,
                color=INK,
            )
        axes.set_yticks(range(len(shares)), [readable(name) for name in group.shares])
        # The same length of a bar means the same share in all panels, one with fewer bars too.
        axes.set_ylim(most - 0.4, -0.6)
        axes.set_xlim(0, longest + 0.12)
        axes.tick_params(axis="y", colors=INK)
        name = "all" if group.group == ALL else group.group
        axes.set_title(f"{name}, {group.trials} trials")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.set_xlabel("share of the variance")
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x")
    return figure

"""Effects of latent size and architecture: metrics by size, differences, KL per dimension."""

from collections.abc import Mapping, Sequence
from typing import Literal
from typing import Protocol as TypingProtocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.estimate.intervals import Interval, interval_of
from analysis.estimate.verdicts import Verdict
from analysis.figures.labels import text_at_row
from analysis.figures.limits import view
from analysis.present.intervals import format_interval
from analysis.present.style import (
    ALARM,
    ARCHITECTURE_LINES,
    FAINT,
    INK,
    MUTED,
    WIDTH,
    Dash,
    ModelStyle,
    legend_label,
)
from analysis.words import axis_title, format_active_units, format_number
from pipeline.schemas.metrics import ELBO, KL, RECONSTRUCTION
from pipeline.schemas.protocol import Protocol


def metrics_by_size(
    runs: pd.DataFrame,
    summary: pd.DataFrame,
    styles: Mapping[str, ModelStyle],
    protocol: Protocol,
) -> Figure:
    """Draw ELBO, reconstruction and KL against latent size, one line per architecture (and beta).

    Points are means in the colour of their model, bars are intervals, small dots are runs, and
    crosses are collapsed runs.

    Args:
        runs: one row per run.
        summary: from ``summarise``.
        styles: by display name.
        protocol: determines the wording of axes.
    """
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    panels = figure.subplots(1, 3)
    sizes = sorted(set(summary["latent_dim"]))
    lines = [cells for _, cells in summary.groupby(["architecture", "beta"], sort=False)]
    architectures = list(dict.fromkeys(summary["architecture"]))
    # Side by side, so that intervals do not overlap.
    offsets = 0.2 * (np.arange(len(lines)) - (len(lines) - 1) / 2) / max(1, len(lines) / 3)
    for axes, metric in zip(panels, (ELBO, RECONSTRUCTION, KL), strict=True):
        for cells, offset in zip(lines, offsets, strict=True):
            colour, dash = architecture_line(architectures.index(cells["architecture"].iloc[0]))
            positions = [sizes.index(size) + offset for size in cells["latent_dim"]]
            means = cells[f"{metric.name}_mean"]
            axes.plot(positions, means, color=colour, linestyle=dash, linewidth=1.2, zorder=2)
            for position, (_, cell) in zip(positions, cells.iterrows(), strict=True):
                _mark(axes, position, cell, metric.name, styles[cell["model"]])
                # Outwards, away from the points of other architectures.
                side = position + (0.14 if offset >= 0 else -0.14)
                _dots(axes, side, runs[runs["model"] == cell["model"]], metric.name)
        ends = summary[[f"{metric.name}_low", f"{metric.name}_high"]]
        axes.set_ylim(*view(runs[metric.name], ends))
        axes.set_title(axis_title(metric, protocol))
        axes.set_xlabel("latent dimensions")
        axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
        axes.set_xlim(-0.5, len(sizes) - 0.5)
    panels[0].set_ylabel("nats per image, test split")
    _size_legend(figure, architectures, summary, styles)
    return figure


def architecture_line(place: int) -> tuple[str, Dash]:
    """Return colour and dash of an architecture's line, by its index among the architectures."""
    return ARCHITECTURE_LINES[min(place, len(ARCHITECTURE_LINES) - 1)]


def _mark(axes: Axes, position: float, row: pd.Series, name: str, style: ModelStyle) -> None:
    interval = interval_of(row, name)
    if interval.is_known:
        axes.vlines(position, interval.low, interval.high, color=style.colour, lw=1.6, zorder=3)
    axes.plot(
        [position], [interval.mean], style.marker, color=style.colour, markersize=6.5, zorder=4
    )


def _dots(axes: Axes, side: float, runs: pd.DataFrame, name: str) -> None:
    healthy, collapsed = runs[~runs["collapsed"]], runs[runs["collapsed"]]
    axes.plot([side] * len(healthy), healthy[name], ".", color=MUTED, ms=3.5, alpha=0.7)
    axes.plot([side] * len(collapsed), collapsed[name], "x", color=ALARM, ms=6, mew=1.6)


def _size_legend(
    figure: Figure,
    architectures: Sequence[str],
    summary: pd.DataFrame,
    styles: Mapping[str, ModelStyle],
) -> None:
    handles, labels = [], []
    for place, name in enumerate(architectures):
        colour, dash = architecture_line(place)
        handles.append(Line2D([], [], color=colour, linestyle=dash))
        labels.append(legend_label(name))
    handles.append(Line2D([], [], color=MUTED, marker=".", linestyle="", markersize=4))
    labels.append("single run")
    if summary["collapsed"].any():
        handles.append(Line2D([], [], color=ALARM, marker="x", linestyle="", mew=1.6))
        labels.append("collapsed run")
    if summary["beta"].nunique() > 1:
        for model in summary["model"]:
            style = styles[model]
            handles.append(Line2D([], [], color=style.colour, marker=style.marker, linestyle=""))
            labels.append(legend_label(str(model)))
    figure.legend(handles, labels, loc="outside upper left", ncols=6, handlelength=2.6)


class Labelled(TypingProtocol):
    """A difference with the label of its row, such as a ``ModelComparison``."""

    @property
    def label(self) -> str:
        """The row's label."""

    @property
    def difference(self) -> Interval:
        """The difference with its interval."""

    @property
    def verdict(self) -> Verdict:
        """The verdict on it."""


def differences(groups: Mapping[str, Sequence[Labelled]], margin: float = 0.0) -> Figure:
    """Draw differences in ELBO with intervals, one panel per group and one row per comparison.

    Filled points are better or worse, hollow ones neither.

    Args:
        groups: comparisons by title of the panel, at least one in each group.
        margin: differences within it on both sides of zero are shaded; 0 shades nothing.
    """
    rows = [row for group in groups.values() for row in group]
    row_height, head, foot = 0.26, 0.42, 0.55  # inches
    height = len(rows) * row_height + len(groups) * (head + foot)
    figure = Figure(figsize=(WIDTH, height))
    # Text on both sides is in columns, which no layout engine aligns across panels.
    left = min(0.45, (0.35 + 0.068 * max(len(row.label) for row in rows)) / WIDTH)
    top = height
    for title, group in groups.items():
        tall = len(group) * row_height
        top -= head + tall
        axes = figure.add_axes((left, top / height, 0.66 - left, tall / height))
        top -= foot
        _forest(axes, group, margin)
        axes.set_title(title)
        axes.set_xlabel("difference in ELBO, nats per image (right of zero: better)")
    return figure


def _forest(axes: Axes, group: Sequence[Labelled], margin: float) -> None:
    if margin:
        axes.axvspan(-margin, margin, color=FAINT, linewidth=0, zorder=0)
    axes.axvline(0, color=MUTED, linewidth=1)
    # In typographic points from the right edge of the panel.
    columns: tuple[tuple[int, Literal["left", "right"]], ...] = (
        (50, "right"), (58, "left"), (148, "left")
    )  # fmt: skip
    for row, comparison in enumerate(group):
        interval, decided = comparison.difference, comparison.verdict in ("better", "worse")
        if interval.is_known:
            axes.hlines(row, interval.low, interval.high, color=INK, lw=1.6)
        face = INK if decided else "white"
        axes.plot([interval.mean], [row], "o", color=INK, mfc=face, ms=5.5, mew=1.3)
        word = "one seed, no verdict" if comparison.verdict == "unknown" else comparison.verdict
        texts = (
            format_number(interval.mean, signed=True),
            format_interval(interval, signed=True),
            word,
        )
        for text, (points, side) in zip(texts, columns, strict=True):
            weight = "bold" if decided and text == word else "normal"
            color = INK if decided else MUTED
            text_at_row(axes, row, text, points, side, fontweight=weight, color=color)
    intervals = [comparison.difference for comparison in group]
    means = [-margin, 0.0, margin, *(interval.mean for interval in intervals)]
    axes.set_xlim(*view(means, [[interval.low, interval.high] for interval in intervals]))
    axes.set_yticks(range(len(group)), [comparison.label for comparison in group])
    axes.tick_params(axis="y", colors=INK)
    axes.set_ylim(len(group) - 0.5, -0.5)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x")


def kl_per_dimension(
    ranked: pd.DataFrame, summary: pd.DataFrame, styles: Mapping[str, ModelStyle]
) -> Figure:
    """Draw the sorted KL of latent dimensions, one panel per model, with whiskers over seeds.

    Args:
        ranked: from ``sorted_kl_per_dim``.
        summary: the models to draw, from ``summarise``.
        styles: by display name.
    """
    columns = min(len(summary), max(2, int(summary["latent_dim"].nunique())), 4)
    rows = -(-len(summary) // columns)
    figure = Figure(figsize=(WIDTH, 2.15 * rows + 0.2), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in panels.flat[len(summary) :]:
        axes.set_visible(False)
    for axes, (_, row) in zip(panels.flat, summary.iterrows(), strict=False):
        bars = ranked[ranked["model"] == row["model"]]
        axes.bar(bars["rank"], bars["mean"], width=0.72, color=styles[row["model"]].colour)
        axes.vlines(bars["rank"], bars["lowest"], bars["highest"], color=INK, lw=0.9)
        units = format_active_units(row["active_units_mean"], row["latent_dim"])
        flag = f"\n{row['collapsed']} of {row['seeds']} collapsed" if row["collapsed"] else ""
        axes.set_title(f"{row['model']}: {units} active{flag}", fontsize=9)
        axes.set_xlim(0.3, row["latent_dim"] + 0.7)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    for axes in panels[:, 0]:
        axes.set_ylabel("KL, nats")
    for axes in panels[-1]:
        axes.set_xlabel("rank of the dimension")
    return figure

"""Many metrics against latent size, in one small panel each."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.figures.effects import architecture_line
from analysis.figures.limits import view
from analysis.present.style import ALARM, MUTED, WIDTH, ModelStyle, legend_label
from analysis.words import ARROWS, CAVEAT, likelihood_caveat
from pipeline.schemas.metric import Metric
from pipeline.schemas.protocol import Protocol

COLUMNS = 4


def small_multiples(
    summary: pd.DataFrame,
    metrics: Sequence[Metric],
    styles: Mapping[str, ModelStyle],
    protocol: Protocol,
    references: Mapping[str, float],
) -> Figure:
    """Draw one panel per metric: means over latent size, one line and band per architecture.

    Sizes are on a logarithmic axis. Points have the colour and marker of their model, and a cross
    if some of its runs collapsed.

    Args:
        summary: from ``summarise``, for one beta.
        metrics: to show, in display order; each has a mean in ``summary``.
        styles: by display name.
        protocol: determines the wording of titles.
        references: reference level by metric name, drawn as a dotted line.
    """
    rows = -(-len(metrics) // COLUMNS)
    figure = Figure(figsize=(WIDTH, 1.95 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, min(COLUMNS, len(metrics)), squeeze=False)
    architectures = list(dict.fromkeys(summary["architecture"]))
    for axes in panels.flat[len(metrics) :]:
        axes.set_visible(False)
    for axes, metric in zip(panels.flat, metrics, strict=False):
        for place, name in enumerate(architectures):
            cells = summary[summary["architecture"] == name]
            _line(axes, cells[cells[f"{metric.name}_mean"].notna()], metric, styles, place)
        if metric.name in references:
            axes.axhline(references[metric.name], color=MUTED, lw=1.1, ls=(0, (1, 1.6)), zorder=1)
        _frame(axes, summary, metric, protocol, references.get(metric.name))
    figure.supxlabel("latent dimensions (log scale)", fontsize=8.5, color=MUTED)
    _legend(figure, architectures, summary, metrics, protocol, bool(references))
    return figure


def _line(
    axes: Axes,
    cells: pd.DataFrame,
    metric: Metric,
    styles: Mapping[str, ModelStyle],
    place: int,
) -> None:
    colour, dash = architecture_line(place)
    sizes, mean = cells["latent_dim"], cells[f"{metric.name}_mean"]
    axes.plot(sizes, mean, color=colour, linestyle=dash, linewidth=1.3, zorder=3)
    if metric.interval:
        ends = cells[f"{metric.name}_low"], cells[f"{metric.name}_high"]
        axes.fill_between(sizes, *ends, color=colour, alpha=0.18, linewidth=0)
        axes.vlines(sizes, *ends, color=[styles[model].colour for model in cells["model"]], lw=1.0)
    for _, cell in cells.iterrows():
        style = styles[cell["model"]]
        at = [cell["latent_dim"]], [cell[f"{metric.name}_mean"]]
        axes.plot(*at, style.marker, color=style.colour, markersize=5, zorder=4)
        if cell["collapsed"]:
            axes.plot(*at, "x", color=ALARM, markersize=9, markeredgewidth=1.6, zorder=5)


def _frame(
    axes: Axes, summary: pd.DataFrame, metric: Metric, protocol: Protocol, reference: float | None
) -> None:
    """Title, ticks and limits."""
    name = metric.name
    means = summary[f"{name}_mean"].dropna()
    seen = means if reference is None else [*means, reference]
    axes.set_ylim(*view(seen, summary[[f"{name}_low", f"{name}_high"]]))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    arrow = f" {ARROWS[metric.better]}" if metric.sign else ""
    star = "*" if likelihood_caveat(metric, protocol) else ""
    axes.set_title(f"{metric.label}{star}{arrow}", fontsize=8.5, pad=5)
    unit = {"dimensions": "", "nats (entropy)": "nats"}.get(metric.unit, metric.unit)
    axes.set_title(unit, loc="right", fontsize=7, fontweight="normal", color=MUTED, pad=5)
    sizes = sorted(set(summary["latent_dim"]))
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    margin = max((sizes[-1] / sizes[0]) ** 0.08, 1.15)
    axes.set_xlim(sizes[0] / margin, sizes[-1] * margin)
    axes.tick_params(labelsize=7.5)


def _legend(
    figure: Figure,
    architectures: Sequence[str],
    summary: pd.DataFrame,
    metrics: Sequence[Metric],
    protocol: Protocol,
    referred: bool,
) -> None:
    handles: list[Any] = []  # a tuple of two is drawn as one
    labels = []
    for place, name in enumerate(architectures):
        colour, dash = architecture_line(place)
        line = Line2D([], [], color=colour, linestyle=dash, linewidth=1.3)
        handles.append((Patch(color=colour, alpha=0.18, linewidth=0), line))
        labels.append(legend_label(name))
    if referred:
        handles.append(Line2D([], [], color=MUTED, linestyle=(0, (1, 1.6)), linewidth=1.1))
        labels.append("real images, or a ceiling")
    if summary["collapsed"].any():
        handles.append(Line2D([], [], color=ALARM, marker="x", linestyle="", markeredgewidth=1.6))
        labels.append("with collapsed runs")
    if any(likelihood_caveat(metric, protocol) for metric in metrics):
        handles.append(Line2D([], [], linestyle=""))
        labels.append(f"* {CAVEAT}")
    figure.legend(handles, labels, loc="outside upper left", ncols=5, handlelength=2.6)

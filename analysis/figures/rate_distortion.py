"""Rate and distortion: runs and trials in the plane of KL and reconstruction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from analysis.estimate.pareto import rate_distortion_front
from analysis.present.style import ALARM, INK, MUTED, WIDTH, ModelStyle, legend_label
from analysis.words import format_number

# Viridis without its ends, which would be hard to distinguish from ink and paper.
BETAS = LinearSegmentedColormap.from_list(
    "betas", [mpl.colormaps["viridis"](place) for place in np.linspace(0.08, 0.9, 64)]
)
DIAGONAL = "#c4c9d1"
CORNER = 0.25  # share of the panel's width; a shorter line has no room for its label
ROUND = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0, 50.0)


@dataclass(frozen=True, slots=True)
class Plane:
    """One panel: points measured under one protocol.

    Attributes:
        title: names the split.
        points: columns ``kl``, ``reconstruction``, ``beta`` (NaN if unknown), ``collapsed`` and
            ``style``, a key of ``styles``.
        styles: by key, in the order of the legend; only markers are used if colour shows beta.
        coloured: whether colour shows beta.
        with_front: whether to draw the Pareto front.
    """

    title: str
    points: pd.DataFrame
    styles: Mapping[str, ModelStyle]
    coloured: bool
    with_front: bool


def levels(points: pd.DataFrame) -> list[float]:
    """Return ascending round ELBO values whose lines cross a quarter of the panel."""
    (left, right), (low, high) = limits(points)
    ticks = MaxNLocator(7).tick_values(-(right + high), -(left + low))
    return sorted(
        float(elbo)
        for elbo in ticks
        if min(right, -elbo - low) - max(left, -elbo - high) > CORNER * (right - left)
    )


def limits(points: pd.DataFrame) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the limits of both axes: all points, a margin, and room for labels on the right."""
    ends = []
    for name, beyond in (("kl", 0.25), ("reconstruction", 0.08)):
        low, high = float(points[name].min()), float(points[name].max())
        extent = high - low or 10.0
        ends.append((low - 0.12 * extent, high + beyond * extent))
    return ends[0], ends[1]


def rate_distortion(planes: Sequence[Plane]) -> Figure:
    """Draw planes side by side, each with its own axes, diagonals of equal ELBO and colour bar.

    Rate + distortion, the negative ELBO, is constant along a diagonal.

    Args:
        planes: one or two, each with at least one point.
    """
    figure = Figure(figsize=(WIDTH, 4.9 if len(planes) > 1 else 5.4), layout="constrained")
    panels = figure.subplots(1, len(planes), squeeze=False)[0]
    for axes, plane in zip(panels, planes, strict=True):
        colours = _beta_scale(plane.points["beta"]) if plane.coloured else None
        _diagonals(axes, plane.points)
        if plane.with_front:
            _front(axes, plane.points)
        for name, style in plane.styles.items():
            group = plane.points[plane.points["style"] == name]
            axes.scatter(
                group["kl"],
                group["reconstruction"],
                marker=style.marker,
                s=42,
                c=style.colour if colours is None else BETAS(colours(group["beta"])),
                edgecolors="white",
                linewidths=0.6,
                zorder=4,
            )
        collapsed = plane.points[plane.points["collapsed"]]
        axes.scatter(
            collapsed["kl"], collapsed["reconstruction"], marker="x", s=70, c=ALARM, zorder=5
        )
        axes.set_title(plane.title)
        axes.set_xlabel("rate: KL, nats per image")
        axes.set_ylabel("distortion: reconstruction, nats per image")
        axes.grid(visible=False)
        if colours is not None:
            _colour_bar(figure, axes, colours, plane.points["beta"])
        _legend(axes, plane, collapsed=not collapsed.empty)
    return figure


def _diagonals(axes: Axes, points: pd.DataFrame) -> None:
    """Draw lines of equal ELBO, labelled where they leave the panel at the bottom or right."""
    (left, right), (low, high) = limits(points)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    for elbo in levels(points):
        axes.axline((left, -elbo - left), slope=-1, color=DIAGONAL, linewidth=0.9, zorder=1)
        at = min(right, -elbo - low) - 0.02 * (right - left)
        axes.text(
            at,
            -elbo - at,
            f"ELBO {format_number(elbo, 0 if elbo == int(elbo) else 1)}",
            rotation=-45,
            rotation_mode="anchor",
            transform_rotates_text=True,
            ha="right",
            va="bottom",
            fontsize=7,
            color=MUTED,
            clip_on=True,
            zorder=2,
        )


def _front(axes: Axes, points: pd.DataFrame) -> None:
    best = rate_distortion_front(points)
    right, high = axes.get_xlim()[1], axes.get_ylim()[1]
    rates = [best["kl"].iloc[0], *best["kl"], right]
    distortions = [high, *best["reconstruction"], best["reconstruction"].iloc[-1]]
    axes.step(rates, distortions, where="post", color=INK, linewidth=1.2, zorder=3)


def _beta_scale(betas: pd.Series) -> Normalize:
    low, high = float(betas.min()), float(betas.max())
    return LogNorm(low, high) if low > 0 else Normalize(low, high)


def beta_ticks(betas: pd.Series) -> list[float]:
    """Return the few betas of a grid, or round numbers within the range of a search."""
    distinct = sorted(set(map(float, betas)))
    within = [beta for beta in ROUND if distinct[0] <= beta <= distinct[-1]]
    return distinct if len(distinct) < 6 and len(betas) > len(distinct) else within or distinct


def _colour_bar(figure: Figure, axes: Axes, colours: Normalize, betas: pd.Series) -> None:
    bar = figure.colorbar(ScalarMappable(colours, BETAS), ax=axes, pad=0.02, aspect=30)
    log = " (log scale)" if isinstance(colours, LogNorm) else ""
    bar.set_label(f"β{log}", color=MUTED)
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_locator(FixedLocator(beta_ticks(betas)))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    bar.ax.tick_params(labelsize=7.5)


def _legend(axes: Axes, plane: Plane, *, collapsed: bool) -> None:
    handles, labels = [], []
    for name, style in plane.styles.items():
        colour = MUTED if plane.coloured else style.colour
        handles.append(Line2D([], [], color=colour, marker=style.marker, linestyle="", ms=6))
        labels.append(legend_label(name))
    if collapsed:
        handles.append(Line2D([], [], color=ALARM, marker="x", linestyle="", mew=1.6))
        labels.append("collapsed")
    if plane.with_front:
        handles.append(Line2D([], [], color=INK, linewidth=1.2))
        labels.append("Pareto front")
    axes.legend(
        handles,
        labels,
        loc="lower left",
        fontsize=7.5,
        frameon=True,
        facecolor="white",
        edgecolor="none",
        framealpha=0.9,
        borderpad=0.4,
        borderaxespad=0.2,
        ncols=2 if len(handles) > 10 else 1,
    )

"""Training curves: the bound and its two terms over epochs and over training time."""

from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures.limits import log_ticks, view
from analysis.present.style import MUTED, WIDTH, Dash, ModelStyle, legend_label
from analysis.words import axis_title
from pipeline.schemas.metrics import ELBO, KL, RECONSTRUCTION
from pipeline.schemas.protocol import Protocol

# Dash and opacity.
SPLITS: dict[str, tuple[Dash, float]] = {"valid": ("-", 1.0), "train": ((0, (2, 1.4)), 0.75)}


def training_curves(
    bands: pd.DataFrame,
    models: Sequence[str],
    styles: Mapping[str, ModelStyle],
    protocol: Protocol,
    over: Literal["epoch", "seconds_mean"] = "epoch",
) -> Figure:
    """Draw ELBO, reconstruction and KL, with one line per model and split and bands over seeds.

    Args:
        bands: from ``training_bands``.
        models: display names, in the order of the legend.
        styles: by display name.
        protocol: determines the wording of axes.
        over: the x-axis: epochs, or the mean seconds since the start of training at each epoch on
            a logarithmic scale.
    """
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    panels = figure.subplots(1, 3)
    shown = bands[bands["model"].isin(models)]
    for axes, metric in zip(panels, (ELBO, RECONSTRUCTION, KL), strict=True):
        for model in models:
            for split, (dash, opacity) in SPLITS.items():
                line = shown[(shown["model"] == model) & (shown["split"] == split)]
                colour = styles[model].colour
                mean = line[f"{metric.name}_mean"]
                axes.plot(
                    line[over],
                    mean,
                    color=colour,
                    alpha=opacity,
                    linestyle=dash,
                    marker=styles[model].marker if split == "valid" else "",
                    markevery=_every(len(line)),
                    markersize=4.5,
                )
                ends = line[f"{metric.name}_low"], line[f"{metric.name}_high"]
                axes.fill_between(line[over], *ends, color=colour, alpha=0.13, linewidth=0)
        axes.set_title(axis_title(metric, protocol))
        if over == "epoch":
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        else:
            axes.set_xlabel("seconds of training (log scale)")
            times = shown[over]
            axes.set_xlim(0.9 * times.min(), 1.15 * times.max())
            log_ticks(axes)
        _exclude_start(axes, shown, metric.name)
    panels[0].set_ylabel("nats per image")
    _legend(figure, models, styles)
    return figure


def first_epoch_in_view(bands: pd.DataFrame) -> int:
    """Return the first epoch after the initial tenth, whose steep curve would flatten the rest."""
    last = int(bands["epoch"].max())
    return 1 + last // 10 if last >= 5 else 1


def _exclude_start(axes: Axes, bands: pd.DataFrame, name: str) -> None:
    late = bands[bands["epoch"] >= first_epoch_in_view(bands)]
    axes.set_ylim(*view(late[f"{name}_mean"], late[[f"{name}_low", f"{name}_high"]]))


def _every(epochs: int) -> tuple[int, int]:
    """About six markers per line, including the last epoch."""
    step = max(1, epochs // 6)
    return (epochs - 1) % step, step


def _legend(figure: Figure, models: Sequence[str], styles: Mapping[str, ModelStyle]) -> None:
    handles = [
        Line2D([], [], color=styles[model].colour, marker=styles[model].marker) for model in models
    ]
    handles += [
        Line2D([], [], color=MUTED, linestyle=dash, alpha=opacity)
        for dash, opacity in SPLITS.values()
    ]
    labels = [*models, "validation", "training"]
    figure.legend(
        handles,
        [legend_label(label) for label in labels],
        loc="outside upper left",
        ncols=min(len(labels), 8),
        columnspacing=1.6,
        handlelength=2.4,
    )

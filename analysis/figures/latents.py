"""The plane of two-dimensional latents: what it decodes to, and where images are encoded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle
from numpy.typing import NDArray

from analysis.figures.canvas import LINE_HEIGHT, Images, Sheet, mosaic, show, whole_scale
from analysis.figures.labels import spread
from analysis.present.style import CLASS_COLOURS, INK, MUTED, ModelStyle, legend_label

Floats = NDArray[np.floating]
Labels = NDArray[np.integer]

COLUMNS = 2
NAME_GAP = 0.085  # between two class names, as a share of half the axis
PATH = "#ffb000"  # visible on black and on white


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A straight path over the plane.

    Attributes:
        codes: (T, 2), its points (z1, z2) in order.
        ends: names of the images that it connects; empty for none.
    """

    codes: Floats
    ends: tuple[str, ...] = ()


def latent_grid(
    grids: Sequence[tuple[str, str, Images, Floats]],
    styles: Mapping[str, ModelStyle],
    paths: Mapping[str, Path] | None = None,
) -> Figure:
    """Draw the decoded plane of each model, with z1 to the right and z2 upwards.

    Args:
        grids: display name, label, images (G, G, H, W) with [i, j] decoded at
            (z1 = axis[j], z2 = axis[i]), and the ascending axis (G,).
        styles: by display name.
        paths: by display name; clipped at the edge of the plane.
    """
    paths = paths or {}
    cells, height, width = grids[0][2].shape[1:]
    scale = whole_scale(cells * width, 900)
    wide, high = cells * width * scale, cells * height * scale
    margin, head, foot, between = 76, LINE_HEIGHT + 16, 76, 60
    pitch_x, pitch_y = margin + wide + between, head + high + foot
    columns = min(COLUMNS, len(grids))
    rows = -(-len(grids) // columns)
    sheet = Sheet(columns * pitch_x - between + 20, rows * pitch_y)
    for place, (model, label, images, axis) in enumerate(grids):
        left, top = place % columns * pitch_x + margin, place // columns * pitch_y
        sheet.name(label, left, top + LINE_HEIGHT / 2, styles[model])
        axes = sheet.axes(left, top + head, wide, high)
        half = (axis[-1] - axis[0]) / (len(axis) - 1) / 2  # a cell is centred on its code
        ends = (axis[0] - half, axis[-1] + half)
        show(axes, mosaic(images[::-1], gap=0), (*ends, *ends))  # the first row has the lowest z2
        ticks = [float(axis[0]), float(axis[0] + axis[-1]) / 2, float(axis[-1])]
        plane_axes(axes, ticks)
        if model in paths:
            _draw_path(axes, paths[model], (float(ends[0]), float(ends[1])))
    return sheet.figure


def _draw_path(axes: Axes, path: Path, limits: tuple[float, float]) -> None:
    """Draw a line with one point per step, a ring at the start and a square at the end."""
    rim = [patheffects.Stroke(linewidth=4.2, foreground="black"), patheffects.Normal()]
    z1, z2 = path.codes.T
    axes.plot(z1, z2, "o-", color=PATH, lw=1.8, ms=3.6, path_effects=rim)
    inside = (np.abs(path.codes - np.mean(limits)) <= np.ptp(limits) / 2).all(1)
    for place, marker, name in zip((0, -1), ("o", "s"), path.ends or ("", ""), strict=True):
        if not inside[place]:
            continue
        axes.plot(z1[place], z2[place], marker, ms=10, mfc="none", mec=PATH, mew=1.8)
        # Next to the end, on the side away from the path.
        onward = z1[1] - z1[0] if place == 0 else z1[-2] - z1[-1]
        side = -1 if onward > 0 else 1
        axes.annotate(
            name,
            (z1[place], z2[place]),
            (10 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=10,
            fontweight="bold",
            color=PATH,
            path_effects=[patheffects.withStroke(linewidth=3, foreground="black")],
            annotation_clip=True,
        )
    axes.set_xlim(*limits)
    axes.set_ylim(*limits)


def posterior_means(
    clouds: Sequence[tuple[str, str, Floats, Labels]],
    classes: Sequence[str],
    square: float | None,
    styles: Mapping[str, ModelStyle],
) -> Figure:
    """Draw the posterior means of a split, coloured by class, with class names near the medians.

    Args:
        clouds: display name, label, means (N, 2) and labels (N,) of each model.
        classes: name of each label.
        square: half the side of the decoded plane, drawn as a frame; None for no frame.
        styles: by display name.
    """
    columns = min(COLUMNS, len(clouds))
    rows = -(-len(clouds) // columns)
    figure = Figure(figsize=(4.6 * columns + 1.2, 4.7 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes in panels.flat[len(clouds) :]:
        axes.set_visible(False)
    # One frame for all: every point, and at least two standard deviations of the prior.
    reach = max(2.2, *(float(np.abs(mu).max()) * 1.05 for _, _, mu, _ in clouds))
    for place, (model, label, mu, labels) in enumerate(clouds):
        axes, named = panels.flat[place], styles[model]
        _prior(axes, square)
        size = min(16.0, 5000 / math.sqrt(len(mu)) / 14)
        kinds = {int(kind) for kind in labels}
        sns.scatterplot(
            x=mu[:, 0],
            y=mu[:, 1],
            hue=labels,
            palette={kind: CLASS_COLOURS[kind % len(CLASS_COLOURS)] for kind in kinds},
            s=size,
            alpha=0.7,
            linewidth=0,
            legend=False,
            zorder=2,
            ax=axes,
        )
        _name_classes(axes, mu, labels, classes, NAME_GAP * reach)
        next_to_title = {"transform": axes.transAxes, "clip_on": False}
        axes.plot([0.012], [1.035], named.marker, color=named.colour, ms=6, **next_to_title)
        axes.set_title(f"    {label}", fontweight="normal")
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-reach, reach)
        axes.set_aspect("equal")
        axes.grid(visible=False)
        axes.set_xlabel("z1")
        if place % columns == 0:
            axes.set_ylabel("z2", rotation=0, labelpad=10)
    _class_legend(figure, clouds, classes)
    return figure


def class_name(kind: int, classes: Sequence[str]) -> str:
    """Return the name of a label, or its index if it has none."""
    return classes[kind] if 0 <= kind < len(classes) else str(kind)


def plane_axes(axes: Axes, ticks: Sequence[float]) -> None:
    """Label the axes z1 and z2, without a frame."""
    names = [f"{tick:g}".replace("-", "−") for tick in ticks]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel("z1", labelpad=-8)
    axes.set_ylabel("z2", rotation=0, labelpad=-14)
    axes.yaxis.set_label_coords(-0.045, 0.73)
    axes.xaxis.set_label_coords(0.75, -0.02)


def _prior(axes: Axes, square: float | None) -> None:
    """Draw circles at one and two standard deviations, and the frame of the decoded plane."""
    for radius in (1, 2):
        axes.add_patch(Circle((0, 0), radius, fill=False, color="#c4c9d2", lw=0.9, zorder=1))
    if square is not None:
        side = 2 * square
        axes.add_patch(
            Rectangle(
                (-square, -square), side, side, fill=False, color=MUTED, lw=0.8, ls="--", zorder=1
            )
        )


def _name_classes(
    axes: Axes, mu: Floats, labels: Labels, classes: Sequence[str], gap: float
) -> None:
    halo = [patheffects.withStroke(linewidth=2.6, foreground="white")]
    kinds = np.unique(labels)
    medians = np.array([np.median(mu[labels == kind], axis=0) for kind in kinds])
    for kind, (x, y) in zip(kinds, spread(medians, gap), strict=True):
        name = class_name(int(kind), classes)
        axes.text(
            float(x),
            float(y),
            name,
            ha="center",
            va="center",
            fontsize=10 if len(name) < 3 else 7.5,
            fontweight="bold",
            color=INK,
            path_effects=halo,
            zorder=3,
        )


def _class_legend(
    figure: Figure, clouds: Sequence[tuple[str, str, Floats, Labels]], classes: Sequence[str]
) -> None:
    kinds = np.unique(np.concatenate([labels for _, _, _, labels in clouds]))
    handles = [
        Line2D([], [], color=CLASS_COLOURS[int(kind) % len(CLASS_COLOURS)], marker="o", ls="")
        for kind in kinds
    ]
    names = [legend_label(class_name(int(kind), classes)) for kind in kinds]
    figure.legend(handles, names, loc="outside right center", handletextpad=0.2, borderpad=0.6)

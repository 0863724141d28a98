"""Cost curves: time and memory against images, latent size, width, workers and trials.

The points are kept under ``cost`` in results.json and drawn in benchmarks/cost.png.
"""

import math
import resource
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.present.style import INK, MUTED
from benchmarks.context import Context, alone, run_settings, together
from benchmarks.ours import Trained, Training, images_per_second, train
from benchmarks.rows import OURS, Row

IMAGES = (1000, 4000, 16000, 59000)
LATENT_DIMS = (2, 8, 32, 128, 256)
WIDTHS = (64, 128, 256, 512, 1024, 2048)
WORKERS = (1, 2, 4)
TRIALS = (10, 100, 500, 1000, 2000)
EPOCHS = 3
BASIC_IMAGES = 6400  # for the curves that do not vary it
PICTURE = Path(__file__).parents[1] / "cost.png"


@dataclass(frozen=True, slots=True)
class Point:
    """One point on a curve.

    Attributes:
        curve: name of the curve.
        x: the varied quantity.
        y: the cost, in the unit of the curve.
        memory: peak resident memory of the process in MB; NaN if not measured.
    """

    curve: str
    x: float
    y: float
    memory: float


def train_in_memory(task: Training, tell: Callable[[Any], None]) -> tuple[Trained, float]:
    """Train, and return the result with the peak memory of the process in MB."""
    trained = train(task, tell)
    return trained, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def varied(context: Context) -> Iterator[tuple[str, int, Training]]:
    """Yield each training with its curve and the varied value."""
    some = ends if context.quick else tuple
    changes: list[tuple[str, int, int, dict[str, Any]]] = []
    for architecture in ("linear", "conv"):
        for images in some(IMAGES):
            model = {"architecture": architecture, "latent_dim": 10}
            changes.append((f"images, {architecture}", images, images, model))
    for size in some(LATENT_DIMS):
        model = {"architecture": "linear", "latent_dim": size}
        changes.append(("latent size, linear", size, BASIC_IMAGES, model))
    for width in some(WIDTHS):
        model = {"architecture": "linear", "latent_dim": 10, "hidden": [width]}
        changes.append(("width, linear", width, BASIC_IMAGES, model))
    for curve, x, images, model in changes:
        run = run_settings(epochs=EPOCHS, **model)
        yield curve, x, Training(run, context.prepared(), threads=1, images=images)


def points(context: Context) -> list[Point]:
    """Measure all curves; in quick mode only their end points."""
    some = ends if context.quick else tuple
    found = []
    for curve, x, task in varied(context):
        trained, memory = alone(train_in_memory, task)
        found.append(Point(curve, x, trained.images / images_per_second([trained]), memory))
    for architecture, images in (("linear", BASIC_IMAGES), ("conv", BASIC_IMAGES // 4)):
        for workers in some(WORKERS):
            run = run_settings(architecture, epochs=EPOCHS, latent_dim=10)
            tasks = [
                Training(run.model_copy(update={"seed": seed}), context.prepared(), 1, images)
                for seed in range(workers)
            ]
            speed = images_per_second(together(train, tasks, workers))
            found.append(Point(f"workers, {architecture}", workers, speed, math.nan))
    for trials in some(TRIALS):
        milliseconds = alone(choosing_and_closing, trials)
        found.append(Point("trials", trials, milliseconds, math.nan))
    return found


def ends(values: Sequence[int]) -> tuple[int, int]:
    """Return the first and the last value."""
    return values[0], values[-1]


def choosing_and_closing(trials: int, tell: Callable[[Any], None]) -> float:
    """Return the milliseconds to choose, claim and close a trial after this many others."""
    from benchmarks.search_cost import measured_choosing

    torch.set_num_threads(1)
    ask, close = measured_choosing(trials)
    return 1000 * (ask + close)


def measure(context: Context) -> list[Row]:
    """Return one row per curve: its largest point, with all points and a fitted line as details."""
    found = points(context)
    if not context.quick:
        draw(found).savefig(PICTURE, dpi=150)
    rows = []
    for curve in dict.fromkeys(point.curve for point in found):
        own = [point for point in found if point.curve == curve]
        unit = "images/s" if "workers" in curve else "ms" if curve == "trials" else "s per epoch"
        slope, constant = np.polyfit([p.x for p in own], [p.y for p in own], 1)
        details = {
            "x": [p.x for p in own],
            "y": [p.y for p in own],
            "peak memory, MB": [p.memory for p in own],
            "line": {"constant": float(constant), "slope": float(slope)},
        }
        name = f"cost against {curve}: at {own[-1].x:,.0f}"
        rows.append(Row("", name, unit, {OURS: [own[-1].y]}, "smaller", None, details))
    return rows


def draw(found: Sequence[Point]) -> Figure:
    """Draw one panel per varied quantity."""
    figure = Figure(figsize=(10, 5.6), layout="constrained")
    panels = figure.subplots(2, 3).flat
    _panel(next(panels), found, "images", "training images", "seconds per epoch", log=True)
    _memory(next(panels), found)
    _panel(next(panels), found, "latent size", "latent dimensions", "seconds per epoch", log=False)
    _panel(
        next(panels), found, "width", "units of the hidden layer", "seconds per epoch", log=False
    )
    workers = next(panels)
    _panel(workers, found, "workers", "workers, one thread each", "images per second", log=False)
    workers.set_xticks(WORKERS)
    _panel(next(panels), found, "trials", "finished trials", "ms to choose and close", log=False)
    return figure


STYLES = {"linear": {"color": INK, "marker": "o"}, "conv": {"color": MUTED, "marker": "s"}}


def _panel(axes: Axes, found: Sequence[Point], what: str, x: str, y: str, *, log: bool) -> None:
    for architecture, style in STYLES.items():
        curve = what if what == "trials" else f"{what}, {architecture}"
        own = [point for point in found if point.curve == curve]
        if own:
            axes.plot([p.x for p in own], [p.y for p in own], label=architecture, **style)
        if what == "trials":
            break
    _finish(axes, x, y, log=log, legend=what in ("images", "workers"))


def _memory(axes: Axes, found: Sequence[Point]) -> None:
    for architecture, style in STYLES.items():
        own = [point for point in found if point.curve == f"images, {architecture}"]
        axes.plot([p.x for p in own], [p.memory for p in own], label=architecture, **style)
    _finish(axes, "training images", "peak memory, MB", log=False, legend=True)


def _finish(axes: Axes, x: str, y: str, *, log: bool, legend: bool) -> None:
    if log:
        axes.set_xscale("log")
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, 1.12 * axes.dataLim.y1)
        axes.yaxis.set_major_formatter("{x:,g}")
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    if legend:
        axes.legend(frameon=False)

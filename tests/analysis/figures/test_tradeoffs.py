"""ELBO against its costs: the Pareto-optimal models, and labels without overlap."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from analysis.figures.labels import name_points, spread
from analysis.figures.tradeoffs import frontier, tradeoffs
from analysis.present.style import assign_styles, theme
from pipeline.schemas.protocol import Protocol

PROTOCOL = Protocol("d", "test", "0", "bernoulli", "dynamic", "last", "float32")
# The bigger is no better than the middle one, and the slow one is beaten in everything.
MODELS = pd.DataFrame(
    {
        "model": ["small", "middle", "bigger", "slow"],
        "architecture": ["linear", "linear", "conv", "conv"],
        "latent_dim": [2, 10, 2, 10],
        "beta": 1.0,
        "parameters": [1000, 2000, 3000, 3000],
        "train_seconds_mean": [9.0, 3.0, 1.0, 30.0],
        "elbo_mean": [-150.0, -110.0, -110.5, -160.0],
        "elbo_low": [-151.0, -112.0, np.nan, -161.0],
        "elbo_high": [-149.0, -108.0, np.nan, -159.0],
        "collapsed": [0, 0, 0, 1],
    }
)


def drawn(models: pd.DataFrame) -> Figure:
    with theme():
        return tradeoffs(models, assign_styles(models), PROTOCOL)


@pytest.fixture(scope="module")
def figure() -> Figure:
    return drawn(MODELS)


def test_the_frontier_of_each_cost() -> None:
    assert frontier(MODELS, "parameters") == ["small", "middle"]
    assert frontier(MODELS, "train_seconds_mean") == ["bigger", "middle"]


def test_steps_follow_the_frontier_and_its_models_are_ringed(figure: Figure) -> None:
    parameters, time = figure.axes
    for axes, xs, ys in (
        (parameters, [1000, 2000], [-150, -110]),
        (time, [1, 3], [-110.5, -110]),
    ):
        steps = axes.lines[0]
        assert steps.get_drawstyle() == "steps-post"
        assert np.asarray(steps.get_xdata())[:2].tolist() == xs
        assert np.asarray(steps.get_ydata()).tolist() == [*ys, ys[-1]]
    points = parameters.lines[1:]
    assert [np.asarray(line.get_ydata()).tolist() for line in points] == [
        [-150.0], [-110.0], [-110.5], [-160.0]
    ]  # fmt: skip
    rings = [line.get_markeredgecolor() != "white" for line in points]
    assert rings == [True, True, False, False]


def test_axes_are_logarithmic_with_plain_numbers(figure: Figure) -> None:
    parameters, time = figure.axes
    assert parameters.get_xscale() == time.get_xscale() == "log"
    assert parameters.xaxis.get_major_formatter()(2000, 0) == "2,000"
    assert parameters.get_title(loc="left") == "ELBO ↑ against parameters"


def test_collapsed_runs_are_mentioned_in_the_label(figure: Figure) -> None:
    names = [text.get_text() for text in figure.axes[0].texts if text.get_text()]
    assert names == ["small", "middle", "bigger", "slow (1 collapsed)"]


@pytest.mark.parametrize("seed", range(3))
def test_labels_of_crowded_points_do_not_overlap(seed: int) -> None:
    random = np.random.default_rng(seed)
    points = [(1 + 0.02 * x, y) for x, y in random.uniform(0, 1, (10, 2))]
    names = [f"model-{place}" for place in range(10)]
    with theme():
        figure = Figure(figsize=(5, 4), layout="constrained")
        axes = figure.subplots()
        axes.set_xlim(0.9, 1.2)
        axes.set_ylim(-0.1, 1.1)
        name_points(figure, axes, points, names)
    boxes = [
        text.get_window_extent()
        for text in axes.texts
        if isinstance(text, Annotation) and text.get_text()
    ]
    assert len(boxes) == 10
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    frame = axes.get_window_extent()
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)


def test_only_optimal_ones_of_many_models_are_labelled() -> None:
    many = pd.concat([MODELS] * 4, ignore_index=True)
    many["model"] = [f"{name}-{place}" for place, name in enumerate(many["model"])]
    many["latent_dim"] = range(2, 18)
    many.loc[4:, "elbo_mean"] -= 1
    parameters, time = drawn(many).axes
    for axes, names in ((parameters, ["small-0", "middle-1"]), (time, ["middle-1", "bigger-2"])):
        assert sorted(text.get_text() for text in axes.texts if text.get_text()) == sorted(names)


def test_a_narrow_range_has_ticks() -> None:
    _, time = drawn(MODELS.assign(train_seconds_mean=[10.5, 10.6, 10.7, 10.8])).axes
    low, high = time.get_xlim()
    assert sum(low <= tick <= high for tick in time.get_xticks()) >= 3


def test_labels_are_pushed_apart_only_as_far_as_needed() -> None:
    places = np.array([[0.0, 0.0], [0.4, 0.0], [5.0, 5.0], [5.0, 5.0]])
    moved = spread(places, 1.0)
    assert moved[:2].tolist() == pytest.approx(np.array([[-0.3, 0.0], [0.7, 0.0]]))
    assert np.hypot(*(moved[3] - moved[2])) == pytest.approx(1.0)
    assert spread(places[1:3], 1.0).tolist() == places[1:3].tolist()

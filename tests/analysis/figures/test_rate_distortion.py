"""The plane of rate and distortion: its front, its diagonals, its colours."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from analysis.estimate.pareto import rate_distortion_front
from analysis.figures.rate_distortion import (
    BETAS,
    CORNER,
    Plane,
    beta_ticks,
    levels,
    limits,
    rate_distortion,
)
from analysis.present.style import ALARM, ModelStyle, theme

POINTS = pd.DataFrame(
    {
        "kl": [5.0, 10.0, 20.0, 20.0, 12.0],
        "reconstruction": [120.0, 100.0, 80.0, 85.0, 110.0],
        "beta": [4.0, 2.0, 0.5, 0.5, 1.0],
        "collapsed": [False, False, False, False, False],
        "style": ["a", "a", "b", "b", "b"],
    }
)
STYLES = {"a": ModelStyle("#d92626", "o"), "b": ModelStyle("#2347d9", "^")}


def plane(points: pd.DataFrame = POINTS, *, coloured: bool = False, front: bool = False) -> Plane:
    return Plane("Grid, test split", points, STYLES, coloured, with_front=front)


def drawn(*planes: Plane) -> list[Axes]:
    with theme():
        return list(rate_distortion(planes).axes)


def test_the_front_excludes_dominated_points() -> None:
    best = rate_distortion_front(POINTS)
    assert best[["kl", "reconstruction"]].to_numpy().tolist() == [[5, 120], [10, 100], [20, 80]]


def test_the_front_is_a_step_line_to_both_edges() -> None:
    axes = drawn(plane(front=True))[0]
    step = next(line for line in axes.lines if line.get_drawstyle() == "steps-post")
    (_, right), (_, high) = limits(POINTS)
    assert np.asarray(step.get_xdata()).tolist() == [5, 5, 10, 20, right]
    assert np.asarray(step.get_ydata()).tolist() == [high, 120, 100, 80, 80]


def test_the_elbo_is_constant_along_a_diagonal() -> None:
    axes = drawn(plane())[0]
    diagonals = [line for line in axes.lines if line.get_drawstyle() == "default"]
    texts = axes.texts
    assert len(diagonals) == len(texts) == len(levels(POINTS)) >= 2
    for line, text, elbo in zip(diagonals, texts, levels(POINTS), strict=True):
        assert line.get_slope() == -1  # type: ignore[attr-defined]
        rate, distortion = line.get_xy1()  # type: ignore[attr-defined]
        assert -(rate + distortion) == pytest.approx(elbo)
        assert text.get_text() == f"ELBO −{-elbo:g}"
        x, y = text.get_position()
        assert -(x + y) == pytest.approx(elbo), "the name stands on its line"
        (x0, y0), (x1, y1) = axes.transData.transform([(0, -elbo), (1, -elbo - 1)])
        slope = np.degrees(np.arctan2(y1 - y0, x1 - x0))
        assert text.get_rotation() == pytest.approx(slope % 360), "and runs along it"


def test_diagonals_cross_enough_of_the_panel_to_carry_their_names() -> None:
    (left, right), (low, high) = limits(POINTS)
    for elbo in levels(POINTS):
        within = min(right, -elbo - low) - max(left, -elbo - high)
        assert within > CORNER * (right - left)


def test_colour_is_the_models_or_beta() -> None:
    by_model = drawn(plane())[0].collections
    assert [tuple(np.round(group.get_facecolor()[0], 2)) for group in by_model[:2]] == [
        (0.85, 0.15, 0.15, 1.0),
        (0.14, 0.28, 0.85, 1.0),
    ]
    axes, bar = drawn(plane(coloured=True))
    first = axes.collections[0].get_facecolor()
    # β from 0.5 to 4: 4 is the end of the scale, 2 two thirds of its logarithm.
    np.testing.assert_allclose(first, BETAS([1.0, 2 / 3]), atol=0.02)
    assert bar.get_ylabel() == "β (log scale)"


@pytest.mark.parametrize(
    ("betas", "ticks"),
    [
        ([1.0, 1.0, 4.0, 4.0, 0.5, 0.5], [0.5, 1.0, 4.0]),
        ([0.3, 0.7, 1.2, 2.2, 3.5, 3.9], [0.5, 0.75, 1.0, 1.5, 2.0, 3.0]),
        ([1.1, 1.2, 1.3], [1.1, 1.2, 1.3]),
    ],
    ids=["grid", "search", "between-round-numbers"],
)
def test_ticks_of_the_colour_bar(betas: list[float], ticks: list[float]) -> None:
    assert beta_ticks(pd.Series(betas)) == ticks


def test_two_planes_keep_their_own_axes() -> None:
    other = POINTS.assign(kl=POINTS["kl"] + 100)
    first, second = drawn(plane(), plane(other, front=True))
    assert first.get_xlim()[1] < second.get_xlim()[0]
    assert not first.get_shared_x_axes().joined(first, second)


def test_one_point_and_collapsed_ones() -> None:
    alone = POINTS.head(1).assign(collapsed=True, kl=0.0)
    axes = drawn(plane(alone, front=True))[0]
    crosses = axes.collections[-1]
    assert np.asarray(crosses.get_offsets()).tolist() == [[0.0, 120.0]]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]  # type: ignore[union-attr]
    assert labels == ["a", "b", "collapsed", "Pareto front"]
    np.testing.assert_allclose(crosses.get_edgecolor()[0], to_rgba(ALARM))

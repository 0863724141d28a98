"""Maps of the objective."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.estimate.landscape import areas
from analysis.figures.contours import contours, triangulation
from analysis.present.style import render, theme
from analysis.read.trials import Trials
from tests.analysis.searches import loaded, planned_row, searched, write_search


def drawn(trials: Trials) -> Figure:
    found = areas(trials)
    with theme():
        return contours(found, [(-120.0, -100.0)] * len(found), "ELBO", higher=True)


def test_each_architecture_has_a_row_with_all_its_trials(tmp_path: Path) -> None:
    figure = drawn(searched(tmp_path, 24))
    panels = [axes for axes in figure.axes if axes.get_xlabel()]
    # Linear trials vary in depth as well, but between three values nothing is interpolated.
    pairs = [(axes.get_xlabel(), axes.get_ylabel()) for axes in panels]
    assert pairs == [("latent size", "beta")] * 2
    assert panels[0].get_title(loc="left") == "conv, 12 trials"
    offsets = np.asarray(panels[0].collections[-1].get_offsets())
    assert len(offsets) == 12
    assert len(panels[0].collections) == 2, "a surface and the points"
    assert render(figure, "svg") == render(drawn(searched(tmp_path, 24)), "svg")


def test_trials_on_a_line_have_no_surface(tmp_path: Path) -> None:
    rows = [
        planned_row(n, -100.0 - n, beta=float(n + 1), latent_dim=n + 2) for n in range(0, 24, 2)
    ]
    trials = loaded(write_search(tmp_path, *rows))
    figure = drawn(trials)
    panels = [axes for axes in figure.axes if axes.get_xlabel()]
    assert [len(axes.collections) for axes in panels] == [1] * len(panels)


@pytest.mark.parametrize(
    ("x", "y", "triangles"),
    [
        ([0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0], 2),
        ([0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0], 1),
        ([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], 0),
        ([1.0, 1.0, 1.0], [0.0, 1.0, 2.0], 0),
        ([0.0, 1.0], [0.0, 1.0], 0),
    ],
    ids=["square", "a-point-twice", "diagonal", "upright", "two"],
)
def test_triangles(x: list[float], y: list[float], triangles: int) -> None:
    found = triangulation(np.asarray(x), np.asarray(y))
    assert (0 if found is None else len(found.triangles)) == triangles


def test_units_do_not_change_the_triangles() -> None:
    random = np.random.default_rng(0)
    x, y = random.random(12), random.random(12)
    first, second = triangulation(x, y), triangulation(x, 1e-6 * y)
    assert first is not None
    assert second is not None
    assert np.array_equal(first.triangles, second.triangles)

"""Slices: positions of trials."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from analysis.figures.slices import slices
from analysis.present.style import render, theme
from analysis.read.trials import Trials
from tests.analysis.searches import searched

LIMITS = (-104.0, -99.0)


def drawn(trials: Trials, winner: int | None = 0, higher: bool = True) -> Figure:
    with theme():
        return slices(trials.frame, trials.score, trials.dimensions, "ELBO", LIMITS, higher, winner)


def points(figure: Figure, place: int) -> np.ndarray:
    scatters = figure.axes[place].collections
    return np.concatenate([np.asarray(scatter.get_offsets()) for scatter in scatters])


def test_each_dimension_has_a_panel_with_the_trials_it_applies_to(tmp_path: Path) -> None:
    figure = drawn(searched(tmp_path, 6, 4))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["Architecture", "Latent size", "Beta", "Depth", "Channels"]
    assert [len(points(figure, place)) for place in range(5)] == [10, 10, 10, 5, 5]
    assert figure.axes[3].get_xlabel() == "architecture linear only"
    names = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert names == ["linear", "conv"]


def test_pruned_trials_are_in_a_band_at_the_worse_end(tmp_path: Path) -> None:
    trials = searched(tmp_path, 6, 4)
    up = points(drawn(trials), 1)[:, 1]
    assert (up < LIMITS[0]).sum() == 4
    assert (up == LIMITS[0]).sum() == 2, "trials 4 and 5 are at the edge or beyond"
    turned = points(drawn(trials, higher=False), 1)[:, 1]
    assert (turned > LIMITS[1]).sum() == 4
    low, high = drawn(trials).axes[1].get_ylim()
    assert ((up > low) & (up < high)).all()


def test_pruned_trials_are_hollow(tmp_path: Path) -> None:
    figure = drawn(searched(tmp_path, 6, 4))
    faces = [len(scatter.get_facecolors()) for scatter in figure.axes[1].collections]  # type: ignore[attr-defined]
    assert sorted(faces) == [0, 0, 1, 1]
    assert "pruned" in [text.get_text() for text in figure.axes[0].texts]
    whole = drawn(searched(tmp_path, 6))
    assert not whole.axes[0].texts


def test_a_dimension_without_trials_is_labelled(tmp_path: Path) -> None:
    trials = searched(tmp_path, 1)
    figure = drawn(trials)
    assert [text.get_text() for text in figure.axes[3].texts] == ["no trials"]


def test_the_bytes_are_reproducible(tmp_path: Path) -> None:
    trials = searched(tmp_path, 6, 4)
    assert render(drawn(trials), "svg") == render(drawn(trials), "svg")

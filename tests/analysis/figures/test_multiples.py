"""Small multiples: the numbers in their panels."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.estimate.intervals import summarise
from analysis.figures.multiples import small_multiples
from analysis.present.style import ALARM, assign_styles, theme
from analysis.read.frames import Results
from pipeline.schemas.metrics import ELBO, METRICS
from tests.analysis.conftest import read_results

MakeResults = Callable[..., Path]
DISTANCE, BORDERS = METRICS["frechet_distance"], METRICS["grid_center_borders"]
SHOWN = [ELBO, DISTANCE, BORDERS, METRICS["confidence"], METRICS["class_entropy"]]


def drawn(results: Results, **references: float) -> Figure:
    summary = summarise(results.runs, 0.95)
    with theme():
        return small_multiples(summary, SHOWN, assign_styles(summary), results.protocol, references)


def lines(axes: Axes) -> list[list[list[float]]]:
    """Return x and y of the lines through several sizes."""
    found = [
        np.stack([np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)])
        for line in axes.lines
        if line.get_linestyle() not in ("None", "")
    ]
    return [line.tolist() for line in found]


def test_there_is_one_line_per_architecture(results_folder: Path) -> None:
    figure = drawn(read_results(results_folder))
    elbo, distance, borders = figure.axes[:3]
    assert lines(elbo) == [[[2, 10], [-160, -112]], [[2, 10], [-155, -111.75]]]
    assert lines(distance)[0] == [[2, 10], [10.5, 2.5]]
    assert lines(borders)[0] == [[2], [5]], "only planes have it"
    assert elbo.get_title(loc="left") == "ELBO ↑"
    assert distance.get_title(loc="left") == "Fréchet distance ↓"
    assert distance.get_title(loc="right") == "judge's features"
    assert elbo.get_xscale() == "log"
    assert [text.get_text() for text in elbo.get_xticklabels()] == ["2", "10"]
    assert [axes.get_visible() for axes in figure.axes] == [True] * 5 + [False] * 3


def test_bands_are_the_intervals(results_folder: Path) -> None:
    results = read_results(results_folder)
    summary = summarise(results.runs, 0.95)
    band = drawn(results).axes[0].collections[0].get_paths()[0].vertices
    ends = summary.loc[summary["architecture"] == "linear", ["elbo_low", "elbo_high"]]
    assert set(np.round(ends.to_numpy().ravel(), 6)) <= set(np.round(np.asarray(band)[:, 1], 6))


def test_points_have_the_style_of_their_model(results_folder: Path) -> None:
    results = read_results(results_folder)
    styles = assign_styles(summarise(results.runs, 0.95))
    markers = [
        (line.get_marker(), line.get_color())
        for line in drawn(results).axes[0].lines
        if line.get_linestyle() in ("None", "")
    ]
    assert markers == [(style.marker, style.colour) for style in styles.values()]


def test_references_are_dotted_lines(results_folder: Path) -> None:
    figure = drawn(read_results(results_folder), frechet_distance=0.59)
    level = figure.axes[1].lines[-1]
    assert np.asarray(level.get_ydata()).tolist() == [0.59, 0.59]
    low, high = figure.axes[1].get_ylim()
    assert low < 0.59 < high
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["linear", "conv", "real images, or a ceiling"]


def test_metrics_without_a_likelihood_have_a_star(make_results: MakeResults) -> None:
    figure = drawn(read_results(make_results(protocol={"binarisation": "none"})))
    assert figure.axes[0].get_title(loc="left") == "ELBO* ↑"
    assert figure.axes[1].get_title(loc="left") == "Fréchet distance ↓"
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[-1] == "* cross-entropy, not a likelihood"


def test_collapsed_runs_and_one_size_and_one_seed(make_results: MakeResults) -> None:
    results = read_results(make_results(collapsed=["conv-2/seed-0"], latent_dims=[2], seeds=[0]))
    figure = drawn(results)
    crosses = [line for line in figure.axes[0].lines if line.get_color() == ALARM]
    assert len(crosses) == 1
    assert "with collapsed runs" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert pd.Series(figure.axes[0].get_xlim()).between(1, 4).all()

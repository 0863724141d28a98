"""Charts over latent size, differences and dimensions: the numbers in them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from analysis.estimate.intervals import sorted_kl_per_dim, summarise
from analysis.estimate.verdicts import Rule, compare_architectures, compare_sizes
from analysis.figures.effects import differences, kl_per_dimension, metrics_by_size
from analysis.present.style import ALARM, assign_styles, theme
from tests.analysis.conftest import read_results

MakeResults = Callable[..., Path]


def test_metrics_by_size(results_folder: Path) -> None:
    results = read_results(results_folder)
    summary = summarise(results.runs, 0.95)
    with theme():
        figure = metrics_by_size(results.runs, summary, assign_styles(summary), results.protocol)
    elbo = figure.axes[0]
    through = [line for line in elbo.lines if len(np.asarray(line.get_xdata())) == 2]
    means = [
        np.asarray(line.get_ydata()).tolist() for line in through if line.get_marker() == "None"
    ]
    assert means == [[-160.0, -112.0], [-155.0, -111.75]]
    assert [text.get_text() for text in elbo.get_xticklabels()] == ["2", "10"]


def test_collapsed_runs_are_crosses(make_results: MakeResults) -> None:
    results = read_results(make_results(collapsed=["conv-2/seed-1"]))
    summary = summarise(results.runs, 0.95)
    with theme():
        figure = metrics_by_size(results.runs, summary, assign_styles(summary), results.protocol)
    crosses = [
        np.asarray(line.get_ydata()).tolist()
        for line in figure.axes[0].lines
        if line.get_color() == ALARM and len(np.asarray(line.get_ydata()))
    ]
    assert crosses == [[-206.0]]
    assert "collapsed run" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_there_is_one_row_per_difference(results_folder: Path) -> None:
    runs = read_results(results_folder).runs
    groups = {
        "Architecture": compare_architectures(runs, Rule()),
        "Latent size": compare_sizes(runs, Rule()),
    }
    with theme():
        figure = differences(groups)
    first = figure.axes[0]
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(groups)
    assert [text.get_text() for text in first.get_yticklabels()] == [
        "conv against linear, 2 dimensions",
        "conv against linear, 10 dimensions",
    ]
    assert "better" in [text.get_text() for text in first.texts]
    hollow = [line.get_markerfacecolor() == "white" for line in first.lines[1:]]
    assert hollow == [False, True]


def test_the_margin_is_shaded_and_in_view(results_folder: Path) -> None:
    groups = {"Architecture": compare_architectures(read_results(results_folder).runs, Rule())}
    with theme():
        (axes,) = differences(groups, margin=30.0).axes
        (plain,) = differences(groups).axes
    (band,) = axes.patches
    assert (band.get_window_extent().x0 < band.get_window_extent().x1, len(plain.patches)) == (1, 0)
    low, high = axes.get_xlim()
    assert low < -30 < 30 < high


def test_kl_per_dimension(results_folder: Path) -> None:
    runs = read_results(results_folder).runs
    summary = summarise(runs, 0.95)
    larger = summary[summary["latent_dim"] > 2]
    with theme():
        figure = kl_per_dimension(sorted_kl_per_dim(runs), larger, assign_styles(summary))
    heights = [bar.get_height() for bar in figure.axes[0].patches]  # type: ignore[attr-defined]
    assert heights == [1.5] * 6 + [0.75] + [0.0] * 3
    assert figure.axes[0].get_title(loc="left") == "linear-10: 6.5 of 10 active"

"""Search history, fANOVA bars and optimism as drawn."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.estimate.confirmed import confirmations
from analysis.figures.confirmed import optimism_rows
from analysis.figures.fanova import fanova_bars
from analysis.figures.search import history, score_limits
from analysis.present.style import render, theme
from analysis.read.fanova import load_fanova
from tests.analysis.searches import SEARCH, searched, write_confirmed, write_importance


def test_points_at_the_edge_are_clear_of_the_axis_and_the_best_has_a_ring(
    tmp_path: Path,
) -> None:
    trials = searched(tmp_path, 4, 8)
    with theme():
        figure = history(trials.frame, trials.best_so_far, "ELBO", (-110.0, -99.0), 0)
    (axes,) = figure.axes
    up = np.concatenate([np.asarray(one.get_offsets())[:, 1] for one in axes.collections])
    assert len(up) == 12
    assert up.min() == -110.0 > axes.get_ylim()[0]
    ring = axes.lines[-1]
    assert np.asarray(ring.get_xdata()).tolist() == [0]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "conv, complete",
        "conv, pruned",
        "linear, complete",
        "linear, pruned",
        "best trial",
        "best so far",
    ]
    ticks = [tick for tick in axes.get_xticks() if 0 <= tick <= 11]
    assert ticks == [0, 2, 4, 6, 8, 10]
    with theme():
        again = history(trials.frame, trials.best_so_far, "ELBO", (-110.0, -99.0), 0)
    assert render(again, "svg") == render(figure, "svg")


@pytest.mark.parametrize("higher", [True, False])
def test_limits_exclude_a_tenth_of_the_worst_trials(higher: bool) -> None:
    values = pd.Series(range(11), dtype=float)
    values[0 if higher else 10] = -1e6 if higher else 1e6
    low, high = score_limits(values, higher)
    inside = ((values >= low) & (values <= high)).sum()
    assert inside == 10
    assert score_limits([3.0], higher) == (2.0, 4.0)


def test_there_is_one_bar_per_hyperparameter(tmp_path: Path) -> None:
    write_importance(tmp_path)
    with theme():
        figure = fanova_bars(load_fanova(tmp_path))
    every, conv = figure.axes
    assert every.get_title(loc="left") == "all, 24 trials"
    assert [bar.get_width() for bar in every.patches] == [0.75, 0.25]  # type: ignore[attr-defined]
    lines = [line.get_segments()[0][:, 0].tolist() for line in every.collections]  # type: ignore[attr-defined]
    assert lines == [[0.4, 0.9], [0.1, 0.6]]
    assert every.texts[0].get_position()[0] > 0.9, "the number does not cover the interval"
    assert [label.get_text() for label in every.get_yticklabels()] == ["Beta", "Latent size"]
    assert [text.get_text() for text in conv.texts] == [
        "90\N{NO-BREAK SPACE}%",
        "10\N{NO-BREAK SPACE}%",
    ]
    assert every.get_xlim() == conv.get_xlim()


def test_there_is_one_row_per_confirmed_trial(tmp_path: Path) -> None:
    write_confirmed(tmp_path, 0, -101.0, -102.0, -103.0)
    runs = searched(tmp_path, 3).confirmed
    with theme():
        figure = optimism_rows(confirmations(runs, SEARCH, 20, 0.95), {0: "conv-2"})
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["trial 0: conv-2"]
    assert axes.texts[0].get_text() == "+2.00"
    drawn = [np.asarray(line.get_xdata()).tolist() for line in axes.lines]
    assert drawn == [[0, 0], [1.0, 2.0, 3.0], [2.0]]

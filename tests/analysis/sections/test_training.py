"""The section on training: curves over epochs and over time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.estimate.intervals import training_bands
from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, ReportSection
from analysis.present.style import theme
from analysis.sections import training
from tests.analysis.sections.given import found_in

MakeResults = Callable[..., Path]


def built(found: Findings) -> ReportSection:
    with theme():
        return training.section(found)


def test_curves_are_shown_over_epochs_and_seconds(make_results: MakeResults) -> None:
    folder = make_results()
    path = folder / "history.csv"
    frame = pd.read_csv(path)
    # Seed 1 takes twice as long, conv ten times.
    slow = np.where(frame["architecture"] == "conv", 10, 1) * (1 + frame["seed"])
    frame.assign(seconds=frame["epoch"] * slow).to_csv(path, index=False)
    found = found_in(folder)
    bands = training_bands(found.results.history, 0.95)
    of_conv = bands.query("model == 'conv-2' and split == 'valid'")
    assert of_conv["seconds_mean"].tolist() == [15.0 * epoch for epoch in range(1, 7)]

    over_epochs, over_time = built(found).parts
    assert isinstance(over_epochs, Exhibit)
    assert isinstance(over_time, Exhibit)
    assert [axes.get_xscale() for axes in over_time.figure.axes] == ["log"] * 3
    assert over_time.figure.axes[0].get_xlabel() == "seconds of training (log scale)"
    line = over_time.figure.axes[0].lines[4]  # conv-2, validation
    assert np.asarray(line.get_xdata()).tolist() == of_conv["seconds_mean"].tolist()
    np.testing.assert_allclose(np.asarray(line.get_ydata()), of_conv["elbo_mean"])
    same = over_epochs.figure.axes[0].lines[4]
    np.testing.assert_allclose(np.asarray(same.get_ydata()), of_conv["elbo_mean"])
    assert "linear-2 9.0, linear-10 9.0, conv-2 90.0 and conv-10 90.0" in over_time.alt


def test_the_meaning_of_times_is_explained(make_results: MakeResults) -> None:
    folder = make_results()
    caption = built(found_in(folder)).parts[1].caption
    assert "the machine used for training (cpu with 1 thread per run)" in caption
    assert "ratios between models are informative" in caption
    (folder / "provenance.json").unlink()
    caption = built(found_in(folder)).parts[1].caption
    assert "the machine used for training, where" in caption


def test_times_of_zero_are_noted(make_results: MakeResults) -> None:
    folder = make_results()
    path = folder / "history.csv"
    pd.read_csv(path).assign(seconds=0.0).to_csv(path, index=False)
    section = built(found_in(folder))
    assert [part.name for part in section.parts] == ["training-curves"]
    assert "no curves over time" in section.notes[0]


def test_without_a_history_there_is_a_note(make_results: MakeResults) -> None:
    folder = make_results()
    (folder / "history.csv").unlink()
    section = built(found_in(folder))
    assert section.parts == ()
    assert section.notes[0].startswith("No training history was exported")

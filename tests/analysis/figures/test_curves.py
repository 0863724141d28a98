"""Training curves show the numbers of the bands."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.estimate.intervals import summarise, training_bands
from analysis.figures.curves import first_epoch_in_view, training_curves
from analysis.present.style import assign_styles, theme
from tests.analysis.conftest import read_results


def test_lines_bands_and_colours(results_folder: Path) -> None:
    results = read_results(results_folder)
    styles = assign_styles(summarise(results.runs, 0.95))
    bands = training_bands(results.history, 0.95)
    models = ["linear-2", "conv-10"]
    with theme():
        figure = training_curves(bands, models, styles, results.protocol)
    elbo = figure.axes[0]
    assert elbo.get_title(loc="left") == "ELBO ↑"
    assert len(elbo.lines) == 4
    assert len(elbo.collections) == 4
    valid = bands.query("model == 'conv-10' and split == 'valid'")
    drawn = elbo.lines[2]
    np.testing.assert_allclose(np.asarray(drawn.get_ydata()), valid["elbo_mean"])
    assert drawn.get_color() == styles["conv-10"].colour
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["linear-2", "conv-10", "validation", "training"]


@pytest.mark.parametrize(("epochs", "first"), [(1, 1), (4, 1), (20, 3), (100, 11)])
def test_the_steep_start_is_excluded_from_long_curves(epochs: int, first: int) -> None:
    assert first_epoch_in_view(pd.DataFrame({"epoch": range(1, epochs + 1)})) == first

"""Charts and their captions."""

from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.estimate.intervals import summarise
from analysis.estimate.verdicts import Rule
from analysis.present.style import assign_styles, theme
from analysis.sections.comparison import differences_exhibit, sizes_exhibit
from analysis.sections.latent_space import dimensions_exhibit
from analysis.sections.training import curve_models, curves_exhibit
from tests.analysis.conftest import read_results

MakeResults = Callable[..., Path]


@pytest.mark.parametrize(
    ("sizes", "chosen"),
    [([2, 5, 10, 20], (2, 10)), ([3, 5, 8], (3, 8)), ([2, 5], (2, 5)), ([7], (7,))],
)
def test_models_chosen_for_the_curves(
    make_results: MakeResults, sizes: list[int], chosen: tuple[int, ...]
) -> None:
    runs = read_results(make_results(latent_dims=sizes, seeds=[0], epochs=1)).runs
    expected = [f"{name}-{size}" for name in ("linear", "conv") for size in chosen]
    assert curve_models(summarise(runs, 0.95)) == expected


def test_captions_name_n_unit_and_interval(results_folder: Path) -> None:
    results = read_results(results_folder)
    summary = summarise(results.runs, 0.95)
    styles = assign_styles(summary)
    with theme():
        curves = curves_exhibit(results, summary, styles, 0.95)
        sizes = sizes_exhibit(results, summary, styles, 0.95)
    assert curves is not None
    for exhibit in (curves, sizes):
        for word in ("2 seeds", "95\N{NO-BREAK SPACE}%", "Student's t", "nats per image"):
            assert word in exhibit.caption
    assert "conv-10 −111.75" in sizes.alt
    assert "test split" in sizes.caption


def test_a_single_seed_is_mentioned(make_results: MakeResults) -> None:
    results = read_results(make_results(seeds=[3]))
    summary = summarise(results.runs, 0.95)
    with theme():
        exhibit = curves_exhibit(results, summary, assign_styles(summary), 0.95)
    assert exhibit is not None
    assert "one seed each" in exhibit.caption


def test_nothing_to_show(make_results: MakeResults) -> None:
    folder = make_results(latent_dims=[2])
    (folder / "history.csv").unlink()
    results = read_results(folder)
    summary = summarise(results.runs, 0.95)
    styles = assign_styles(summary)
    assert curves_exhibit(results, summary, styles, 0.95) is None
    assert differences_exhibit([], [], Rule()) is None
    assert dimensions_exhibit(results, summary, styles) is None

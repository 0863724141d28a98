"""The best trials of a search against the best cells of the grid."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy.stats import ttest_ind

from analysis.estimate.against_grid import AgainstGrid, chosen_elbos, compare_with_grid
from analysis.estimate.verdicts import Rule
from tests.analysis.conftest import read_results
from tests.analysis.searches import confirm_in_card, loaded, searched, write_confirmed

MakeResults = Callable[..., Path]
# In ``make_results``, conv-10 and linear-10 are the best cells; of their two seeds after 6 epochs:
CONV, LINEAR = (-122.25, -121.25), (-122.5, -121.5)


def compared(folder: Path, epochs: int = 6, **new: Any) -> AgainstGrid:
    """Compare a search that confirmed trial 0 (conv) or 1 (linear) with a grid."""
    confirm_in_card(folder, epochs, **new)
    return compare_with_grid(loaded(folder), read_results(folder), Rule())


@pytest.fixture
def folder(make_results: MakeResults) -> Path:
    """A grid of two seeds and a search of four complete trials."""
    return grid_and_search(make_results)


def grid_and_search(make_results: MakeResults, **grid: Any) -> Path:
    folder = make_results(**grid)
    searched(folder, 4, 2)
    return folder


def test_the_difference_has_welchs_interval(folder: Path) -> None:
    (one,) = compared(folder, conv=[-120.0, -121.0, -122.0]).compared
    exact = ttest_ind([-120.0, -121.0, -122.0], CONV, equal_var=False)
    ends = exact.confidence_interval(0.95)
    assert (one.architecture, one.best.number, one.cell) == ("conv", 0, "conv-10")
    assert one.grid == pytest.approx(CONV)
    assert one.difference.mean == pytest.approx(0.75)
    assert (one.difference.low, one.difference.high) == pytest.approx((ends.low, ends.high))
    assert one.p_holm == pytest.approx(exact.pvalue), "the only comparison"
    assert one.verdict == "not distinguishable"
    assert one.best.complete_trials == 2


def test_holm_corrects_over_the_architectures(folder: Path) -> None:
    conv, linear = [-118.0, -118.1, -117.9], [-119.9, -120.0, -120.1]
    alone = compared(folder, conv=conv).compared[0]
    first, second = compared(folder, linear=linear).compared
    assert [first.architecture, second.architecture] == ["linear", "conv"]
    p_values = [
        ttest_ind(new, grid, equal_var=False).pvalue
        for new, grid in ((linear, LINEAR), (conv, CONV))
    ]
    assert alone.p_holm == pytest.approx(p_values[1])
    assert max(p_values) == p_values[0]
    assert first.p_holm == pytest.approx(max(p_values[0], 2 * p_values[1]))
    assert second.p_holm == pytest.approx(2 * p_values[1])


@pytest.mark.parametrize(
    ("conv", "linear", "verdict"),
    [
        ([-100.0, -100.1, -100.2], [-120.0, -121.0], "better"),
        ([-140.0, -140.1, -140.2], [-120.0, -121.0], "worse"),
        ([-119.0, -119.1, -119.2, -119.3], [-118.0, -125.0], "not distinguishable"),
        ([-121.0], [-121.0, -122.0], "unknown"),
    ],
)
def test_verdicts(folder: Path, conv: list[float], linear: list[float], verdict: str) -> None:
    by_name = {one.architecture: one for one in compared(folder, conv=conv, linear=linear).compared}
    assert by_name["conv"].verdict == verdict


def test_an_interval_that_excludes_zero_is_borderline_if_the_correction_takes_it_away(
    make_results: MakeResults,
) -> None:
    folder = grid_and_search(make_results, seeds=(0, 1, 2))
    conv = [-118.6, -118.7, -118.5]  # the grid's seeds: -122.25, -121.25 and -120.25
    alone = compared(folder, conv=conv).compared[0]
    assert alone.p_holm < 0.05
    assert alone.verdict == "better"
    pair = compared(folder, linear=[-121.0, -122.0]).compared
    assert pair[1].difference == alone.difference
    assert pair[1].verdict == "borderline"


def test_runs_of_the_table_count_as_well_and_only_with_the_grids_epochs(folder: Path) -> None:
    write_confirmed(folder, 0, -121.0, -122.0, epochs=6)
    assert compared(folder).compared[0].new == (-121.0, -122.0)
    write_confirmed(folder, 0, -121.0, -122.0, epochs=30)
    outcome = compared(folder)
    assert outcome.compared == ()
    assert outcome.unanswered == {
        "conv": "search and grid differ in epochs (30 and 6)",
        "linear": "trial 1 was not retrained with new seeds",
    }


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        ({"arithmetic": "bfloat16"}, "precision (float32 and bfloat16)"),
        ({"binarisation": "static"}, "binarisation (dynamic and static)"),
        ({"checkpoint": "best"}, "checkpoint (last and best)"),
        (
            {"likelihood": "gaussian", "binarisation": "none"},
            "likelihood (bernoulli and gaussian), binarisation (dynamic and none)",
        ),
    ],
)
def test_another_protocol_is_not_compared(
    make_results: MakeResults, protocol: dict[str, str], words: str
) -> None:
    folder = grid_and_search(make_results, protocol=protocol)
    outcome = compared(folder, conv=[-120.0, -121.0])
    assert outcome.compared == ()
    assert outcome.unanswered["conv"] == f"search and grid differ in {words}"


def test_other_data_are_not_compared(folder: Path) -> None:
    card = json.loads((folder / "best.json").read_text())
    (folder / "best.json").write_text(json.dumps(card | {"data_hash": "0" * 16}))
    words = compared(folder, conv=[-120.0, -121.0]).unanswered["conv"]
    assert words == "search and grid differ in data hash (000000000000 and fedcba987654)"


def test_an_architecture_that_the_grid_lacks_is_named(make_results: MakeResults) -> None:
    folder = grid_and_search(make_results, architectures=["linear"])
    outcome = compared(folder, conv=[-120.0, -121.0])
    assert outcome.unanswered["conv"] == "the grid has no validation curves of it"


@pytest.mark.parametrize(("checkpoint", "elbo"), [("last", -121.75), ("best", -50.0)])
def test_the_chosen_epoch_counts(make_results: MakeResults, checkpoint: str, elbo: float) -> None:
    folder = make_results(seeds=[0], protocol={"checkpoint": checkpoint})
    path = folder / "history.csv"
    history = pd.read_csv(path)
    third = (history["run"] == "conv-10/seed-0") & (history["epoch"] == 3)
    history.loc[third, "elbo"] = -50.0
    history.to_csv(path, index=False)
    chosen = chosen_elbos(read_results(folder))
    assert chosen.loc["conv-10/seed-0", "elbo"] == pytest.approx(elbo - 0.5 * (elbo != -50))
    assert chosen.index.tolist() == read_results(folder).runs["run"].tolist()


def test_a_run_of_the_grid_itself_is_no_new_seed(folder: Path) -> None:
    """The best trial may be a cell of the grid, and `study rerun` may use the grid's seeds."""
    confirm_in_card(folder, 6, conv=[-120.0, -121.0])
    card = json.loads((folder / "best.json").read_text())
    runs = card["architectures"]["conv"]["confirmed"]
    runs.append(runs[0] | {"seed": 0, "elbo": -90.0})
    (folder / "best.json").write_text(json.dumps(card))
    (one,) = compare_with_grid(loaded(folder), read_results(folder), Rule()).compared
    assert one.new == (-120.0, -121.0)


def test_a_grid_of_searched_settings_has_no_defaults_to_beat(folder: Path) -> None:
    confirm_in_card(folder, 6, conv=[-120.0, -121.0])
    outcome = compare_with_grid(loaded(folder), read_results(folder), Rule(), searched=True)
    assert not outcome.compared
    assert set(outcome.unanswered.values()) == {"the grid has the settings that the search found"}

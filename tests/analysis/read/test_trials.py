"""The exported search in the report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.present.search_tables import best_table
from analysis.present.style import theme
from analysis.read.cells import ResultsError
from analysis.read.trials import Trials, load_trials
from analysis.report import make_report
from analysis.sections.search import search_exhibit
from tests.analysis.conftest import read_results
from tests.analysis.searches import SPACE, loaded, planned_row, searched, write_search

MakeResults = Callable[..., Path]


def row(number: int, elbo: float | None, **more: Any) -> dict[str, Any]:
    pruned = elbo is None
    return {
        "number": number,
        "state": "pruned" if pruned else "complete",
        "architecture": "linear" if number % 2 else "conv",
        "latent_dim": 10 + number,
        "learning_rate": 0.0123456,
        "width": 128.0 if number % 2 else None,
        "value": -400.0 if pruned else elbo,
        "elbo": elbo,
        "reconstruction": None if pruned else -elbo - 20,
        "kl": None if pruned else 20.0,
        "nll": None,
        "spread": None,
        "epochs": 6 if pruned else 20,
        "seconds": 12.5,
        "run_id": "abc",
    } | more


def write(folder: Path, *rows: dict[str, Any], objective: str = "elbo") -> Path:
    folder.mkdir(exist_ok=True)
    pd.DataFrame(rows).to_csv(folder / "trials.csv", index=False)
    card = {"search": "mnist-5k-elbo-12345678", "objective": objective}
    (folder / "best.json").write_text(json.dumps(card))
    return folder


@pytest.fixture
def trials(tmp_path: Path) -> Trials:
    values = [-120.0, None, -105.5, -110.0, None]
    found = load_trials(write(tmp_path, *(row(n, value) for n, value in enumerate(values))))
    assert found is not None
    return found


def test_the_best_stand_first_with_what_they_tried(trials: Trials) -> None:
    table = best_table(trials)
    assert [cells[0].text for cells in table.rows] == ["2", "3", "0"]
    assert trials.space == ("architecture", "latent_dim", "learning_rate", "width")
    texts = [cell.text for cell in table.rows[1]]
    assert texts[1:4] == ["−110.00", "90.00", "20.00"]
    assert texts[4:8] == ["linear", "13", "0.0123", "128"]
    assert table.rows[0][7].text == "–", "a width does not apply to conv"
    assert trials.counts == "3 complete and 2 pruned trials"


def test_the_best_so_far_counts_complete_trials_alone(trials: Trials, tmp_path: Path) -> None:
    assert trials.best_so_far.tolist() == [-120.0, -120.0, -105.5, -105.5, -105.5]
    values = [row(0, -130.0, value=120.0), row(1, -120.0, value=110.0), row(2, -125.0, value=115.0)]
    lower = load_trials(write(tmp_path / "nll", *values, objective="nll"))
    assert lower is not None
    assert lower.best_so_far.tolist() == [120.0, 110.0, 110.0]


def test_the_figure_says_what_lies_beyond_it(trials: Trials) -> None:
    with theme():
        exhibit = search_exhibit(trials)
    assert exhibit is not None
    assert "3 complete and 2 pruned trials" in exhibit.caption
    assert "3 trials beyond the axis" in exhibit.caption
    assert "trial 2, has an ELBO of −105.50" in exhibit.alt
    (axes,) = exhibit.figure.axes
    assert axes.get_ylabel() == "validation ELBO, nats"
    drawn = [path for scatter in axes.collections for path in scatter.get_offsets()]
    low, high = axes.get_ylim()
    assert len(drawn) == 5
    assert all(low <= point[1] <= high for point in drawn)


def test_without_a_search_the_report_is_as_before(results_folder: Path) -> None:
    assert load_trials(results_folder) is None
    assert search_exhibit(None) is None
    results = read_results(results_folder)
    page = make_report(results, 0.95)["index.html"].decode()
    assert "No search was exported" in page


def test_the_report_shows_the_search(results_folder: Path, trials: Trials) -> None:
    files = make_report(read_results(results_folder), 0.95, trials)
    page = files["index.html"].decode()
    assert "<h2>The search</h2>" in page
    assert "mnist-5k-elbo-12345678: 3 complete and 2 pruned trials" in page
    assert "−105.50" in files["tables/trials.md"].decode()
    assert "Best trials" in files["report.md"].decode()
    assert files["figures/search.svg"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"state": "done"}, "line 2, state = 'done' must be complete or pruned"),
        ({"elbo": "high"}, "line 2, elbo = 'high' must be a number"),
        ({"number": -1}, "line 2, number = '-1' must be a whole number"),
        ({"value": None}, "line 2, value must not be empty in a complete trial"),
    ],
)
def test_a_damaged_table_is_refused_in_one_line(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    write(tmp_path, row(0, -100.0) | change)
    with pytest.raises(ResultsError, match="line 2") as refused:
        load_trials(tmp_path)
    assert told in refused.value.message


def test_a_damaged_card_is_refused(tmp_path: Path) -> None:
    write(tmp_path, row(0, -100.0))
    (tmp_path / "best.json").write_text("[]")
    with pytest.raises(ResultsError, match=r"best.json: must be a JSON object with search"):
        load_trials(tmp_path)


@pytest.mark.parametrize(
    ("card", "told"),
    [
        ({"objective": "loss"}, "objective: Input should be 'elbo', 'nll' or 'rate-distortion'"),
        ({"plan": {"sampler": "tpe"}}, "plan.pruner: Field required"),
        ({"failed": [{"number": "1", "reason": ""}]}, "failed.0.number: Input should be"),
    ],
)
def test_a_card_with_a_fault_is_refused_by_its_place(
    tmp_path: Path, card: dict[str, Any], told: str
) -> None:
    write_search(tmp_path, planned_row(0), **card)
    with pytest.raises(ResultsError) as refused:
        load_trials(tmp_path)
    assert told in refused.value.message
    assert "\n" not in refused.value.message


def test_a_planned_dimension_must_be_there_and_of_its_kind(tmp_path: Path) -> None:
    bad = planned_row(0) | {"beta": "high"}
    with pytest.raises(ResultsError, match="line 2, beta = 'high' must be a number"):
        loaded(write_search(tmp_path, bad))
    with pytest.raises(ResultsError, match="must have the columns beta"):
        loaded(write_search(tmp_path, {k: v for k, v in planned_row(0).items() if k != "beta"}))
    with pytest.raises(ResultsError, match="must name each number once"):
        loaded(write_search(tmp_path, planned_row(0), planned_row(0)))


def test_the_plan_says_what_the_dimensions_are(tmp_path: Path) -> None:
    trials = searched(tmp_path, 4)
    assert trials.space == tuple(one["name"] for one in SPACE)
    depth, channels = trials.dimensions[3:]
    assert (depth.numeric, depth.whole, depth.low, depth.high) == (True, True, 1.0, 3.0)
    assert channels.choices == ("16", "24")
    assert depth.condition == "architecture linear"
    assert trials.frame["channels"].tolist() == ["16", "", "24", ""], "a gap makes no 16.0"
    assert trials.frame["latent_dim"].dtype.kind == "i"


def test_an_older_export_has_neither_plan_nor_first_values(trials: Trials) -> None:
    assert trials.card.plan is None
    assert trials.card.failed is None
    assert trials.frame["first_value"].isna().all()
    kinds = {one.name: (one.numeric, one.whole) for one in trials.dimensions}
    assert kinds == {
        "architecture": (False, False),
        "latent_dim": (True, True),
        "learning_rate": (True, False),
        "width": (True, True),
    }


def test_nll_ranks_by_its_value_and_two_objectives_by_their_front(tmp_path: Path) -> None:
    rows = [row(0, -130.0, value=120.0), row(1, -120.0, value=125.0), row(2, None)]
    lower = loaded(write(tmp_path / "nll", *rows, objective="nll"))
    assert lower.ranked["number"].tolist() == [0, 1]
    assert lower.score.isna().tolist() == [False, False, True]
    pairs = [(90.0, 10.0), (80.0, 20.0), (85.0, 25.0), (80.0, 20.0), (95.0, 10.0)]
    rows = [
        row(n, -a - b, value=None, reconstruction=a, kl=b) for n, (a, b) in enumerate(pairs)
    ]  # fmt: skip
    two = loaded(write(tmp_path / "two", *rows, objective="rate-distortion"))
    assert two.front["number"].tolist() == [1, 3, 0], "equal pairs do not beat each other"
    assert two.ranked["elbo"].tolist()[0] == -100.0

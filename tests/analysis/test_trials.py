"""The exported search in the report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.cells import ResultsError
from analysis.frames import load_results
from analysis.report import make_report
from analysis.sections.search import search_exhibit
from analysis.style import theme
from analysis.trials import Trials, best_table, load_trials

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
    results = load_results(results_folder)
    page = make_report(results, 0.95)["index.html"].decode()
    assert "No search was exported" in page


def test_the_report_shows_the_search(results_folder: Path, trials: Trials) -> None:
    files = make_report(load_results(results_folder), 0.95, trials)
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

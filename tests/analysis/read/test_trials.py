"""The exported search: what is read, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.present.search_tables import best_table
from analysis.present.style import theme
from analysis.read.cells import ResultsError
from analysis.read.trials import Trials, load_trials
from analysis.sections.search import search_exhibit
from pipeline.schemas.record import RecordError
from tests.analysis.searches import SPACE, edit_card, loaded, planned_row, searched, write_search

MakeResults = Callable[..., Path]


@pytest.fixture
def trials(tmp_path: Path) -> Trials:
    """Five trials, of which the third is the best."""
    values = [-120.0, None, -105.5, -110.0, None]
    return loaded(
        write_search(tmp_path, *(planned_row(n, value) for n, value in enumerate(values)))
    )


def test_the_best_come_first_with_what_they_tried(trials: Trials) -> None:
    table = best_table(trials)
    assert [cells[0].text for cells in table.rows] == ["2", "3", "0"]
    texts = [cell.text for cell in table.rows[1]]
    assert texts[1:4] == ["−110.00", "90.00", "20.00"]
    assert texts[4:7] == ["linear", "23", "2.12"]
    assert table.rows[1][4].detail == "depth 1", "channels do not apply to linear"
    assert trials.counts == "3 complete and 2 pruned trials"


def test_the_best_so_far_counts_only_complete_trials(trials: Trials, tmp_path: Path) -> None:
    assert trials.best_so_far.tolist() == [-120.0, -120.0, -105.5, -105.5, -105.5]
    values = ((-130.0, 120.0), (-120.0, 110.0), (-125.0, 115.0))
    rows = [planned_row(n, elbo, value=value) for n, (elbo, value) in enumerate(values)]
    lower = loaded(write_search(tmp_path / "nll", *rows, objective="nll"))
    assert lower.best_so_far.tolist() == [120.0, 110.0, 110.0]


def test_the_caption_counts_the_trials_outside_the_axis(trials: Trials) -> None:
    with theme():
        exhibit = search_exhibit(trials)
    assert exhibit is not None
    assert "3 complete and 2 pruned trials" in exhibit.caption
    assert "3 trials outside the axis limits" in exhibit.caption
    assert "trial 2, has an ELBO of −105.50" in exhibit.alt
    (axes,) = exhibit.figure.axes
    assert axes.get_ylabel() == "validation ELBO, nats"
    drawn = [path for scatter in axes.collections for path in scatter.get_offsets()]
    low, high = axes.get_ylim()
    assert len(drawn) == 5
    assert all(low <= point[1] <= high for point in drawn)


def test_without_a_search_there_are_no_trials(results_folder: Path) -> None:
    assert load_trials(results_folder) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"state": "done"}, "line 2, state = 'done' must be complete or pruned"),
        ({"elbo": "high"}, "line 2, elbo = 'high' must be a number"),
        ({"number": -1}, "line 2, number = '-1' must be a whole number"),
        ({"value": None}, "line 2, value must not be empty in a complete trial"),
    ],
)
def test_a_damaged_table_is_refused_in_one_line(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    write_search(tmp_path, planned_row(0))
    frame = pd.read_csv(tmp_path / "trials.csv", dtype=object).assign(**change)
    frame.to_csv(tmp_path / "trials.csv", index=False)
    with pytest.raises(ResultsError, match="line 2") as refused:
        load_trials(tmp_path)
    assert message in refused.value.message


def test_a_damaged_card_is_refused(tmp_path: Path) -> None:
    write_search(tmp_path, planned_row(0))
    (tmp_path / "best.json").write_text("[]")
    with pytest.raises(RecordError, match=r"best.json: does not describe a search: .*`study exp"):
        load_trials(tmp_path)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"objective": "loss"}, "objective: Input should be 'elbo', 'nll' or 'rate-distortion'"),
        ({"plan": {"objective": "elbo", "sampler": "tpe"}}, "plan.pruner: Field required"),
        ({"failed": [{"number": "1", "reason": ""}]}, "failed.0.number: Input should be"),
        ({"plan": None}, "plan: Field required"),
        ({"protocol": None}, "protocol: Field required"),
        ({"first": 4}, "first: "),
    ],
)
def test_a_card_with_a_fault_is_refused_by_its_place(
    tmp_path: Path, card: dict[str, Any], message: str
) -> None:
    edit_card(write_search(tmp_path, planned_row(0)), **card)
    with pytest.raises(RecordError) as refused:
        load_trials(tmp_path)
    assert message in refused.value.message
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
    assert channels.choices == ("16, 32", "24")
    assert depth.condition == "architecture linear"
    assert trials.frame["channels"].tolist() == ["16, 32", "", "24", ""], "lists of widths"
    assert trials.frame["latent_dim"].dtype.kind == "i"


def test_a_choice_of_null_is_not_a_choice_that_does_not_apply(tmp_path: Path) -> None:
    clip = {"name": "clip_norm", "kind": "categorical", "choices": [None, 10.0], "when": {}}
    patience = clip | {"name": "patience", "choices": [None, 3], "when": {"architecture": "conv"}}
    rows = [
        planned_row(0, clip_norm="null", patience=3),
        planned_row(1, clip_norm=10.0, patience=None),
        planned_row(2, clip_norm=10.0, patience="null"),
    ]
    trials = loaded(write_search(tmp_path, *rows, plan={"space": [*SPACE, clip, patience]}))
    assert trials.dimensions[-2].choices == ("none", "10")
    assert trials.frame["clip_norm"].tolist() == ["none", "10", "10"]
    assert trials.frame["patience"].tolist() == ["3", "", "none"]


def test_a_trial_that_repeats_another_is_no_evidence(tmp_path: Path) -> None:
    rows = [planned_row(0, -100.0), planned_row(1, None), planned_row(2, -90.0, same_as=0)]
    trials = loaded(write_search(tmp_path, *rows))
    assert trials.complete["number"].tolist() == trials.ranked["number"].tolist() == [0]
    assert trials.trained["number"].tolist() == [0, 1]
    assert trials.best_so_far.tolist() == [-100.0] * 3


def test_nll_ranks_by_its_value_and_two_objectives_by_their_elbo(tmp_path: Path) -> None:
    rows = [
        planned_row(0, -130.0, value=120.0),
        planned_row(1, -120.0, value=125.0),
        planned_row(2, None),
    ]
    lower = loaded(write_search(tmp_path / "nll", *rows, objective="nll"))
    assert lower.ranked["number"].tolist() == [0, 1]
    assert lower.score.isna().tolist() == [False, False, True]
    pairs = [(90.0, 10.0), (80.0, 20.0), (85.0, 25.0), (80.0, 20.0), (95.0, 10.0)]
    rows = [
        planned_row(n, -a - b, value=None, reconstruction=a, kl=b) for n, (a, b) in enumerate(pairs)
    ]
    two = loaded(write_search(tmp_path / "two", *rows, objective="rate-distortion"))
    assert two.ranked["elbo"].tolist()[0] == -100.0

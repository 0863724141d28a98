"""The tables of the search."""

from pathlib import Path
from typing import Any

import pytest

from analysis.estimate.confirmed import confirmations
from analysis.present.search_tables import (
    best_table,
    confirmed_frame,
    confirmed_table,
    failures,
    front_table,
    minutes,
    settings_table,
    space_table,
    states_table,
)
from analysis.present.tables import Table
from tests.analysis.searches import (
    PROTOCOL,
    SEARCH,
    SPACE,
    loaded,
    planned_row,
    searched,
    write_confirmed,
    write_search,
)


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def test_settings(tmp_path: Path) -> None:
    rows = dict(texts(settings_table(searched(tmp_path, 3, 2))))
    assert rows["Search"] == SEARCH
    assert rows["Objective"] == "highest validation ELBO"
    assert rows["Sampler"] == "tpe, seed 7, at most 4 trials at once"
    assert rows["Balanced over"] == "architecture"
    assert rows["First points"] == "linear-2, conv-2"
    assert rows["Pruner"] == (
        "percentile, within trials of the same architecture, first comparison after epoch 4"
    )
    assert rows["Per trial"] == "20 epochs, 1 seed"
    assert rows["Total time"] == "32 seconds, summed over trials"
    two = searched(tmp_path, 3, objective="rate-distortion")
    assert dict(texts(settings_table(two)))["Pruner"] == "none (percentile needs one objective)"
    point: dict[str, Any] = {"latent_dim": 3, "channels": [24]}
    plan: dict[str, Any] = {"first": [point], "prune_within": [], "balance": []}
    protocol = PROTOCOL | {"checkpoint": None}
    other = dict(texts(settings_table(searched(tmp_path, 3, plan=plan, protocol=protocol))))
    assert other["First points"] == "(latent size 3, channels [24])"
    assert other["Pruner"] == "percentile, first comparison after epoch 4"
    assert other["Balanced over"] == "nothing"
    assert other["Checkpoint"] == "searched, in float32"
    whole = searched(tmp_path, 3, plan={"first": "grid"})
    assert dict(texts(settings_table(whole)))["First points"] == "the cells of the grid"
    lower = searched(tmp_path, 3, objective="nll")
    assert dict(texts(settings_table(lower)))["Objective"] == "lowest validation NLL (K = 64)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(59.4, "59 seconds"), (90.0, "1.5 minutes"), (9000.0, "2.5 hours")],
)
def test_times(seconds: float, text: str) -> None:
    assert minutes(seconds) == text


def test_the_space_with_what_was_tried(tmp_path: Path) -> None:
    rows = {row[0]: row[1:] for row in texts(space_table(searched(tmp_path, 4)))}
    assert rows["Architecture"] == [
        "linear, conv",
        "choices",
        "all",
        "linear (2), conv (2)",
        "conv",
    ]
    assert rows["Latent size"] == ["2 to 64", "logarithmic", "all", "2 to 23", "2"]
    assert rows["Depth"] == ["1 to 3", "linear", "architecture linear", "1 to 2", "–"]
    assert rows["Channels"][0] == "16, 32; 24"
    assert rows["Channels"][3:] == ["16, 32 (1); 24 (1)", "16, 32"]


def test_states_with_architectures_and_shares_of_time(tmp_path: Path) -> None:
    reason = "diverged in epoch 2 " + "and so on " * 40
    trials = searched(tmp_path, 3, 5, failed=[{"number": 4, "reason": reason}])
    table = states_table(trials)
    assert [column.label for column in table.columns[1:4]] == ["Trials", "conv", "linear"]
    share = "\N{NO-BREAK SPACE}%"
    assert texts(table) == [
        ["complete", "3", "2", "1", "60", "30", f"86{share}"],
        ["pruned", "5", "2", "3", "20", "5", f"14{share}"],
        ["failed", "1", "–", "–", "–", "–", "–"],
        ["finished", "8", "4", "4", "80", "35", f"100{share}"],
    ]
    sentence = failures(trials)
    assert sentence.startswith(" Failed: trial 4: diverged in epoch 2")
    assert len(sentence) < 200


def test_repeated_trials_have_a_state_of_their_own(tmp_path: Path) -> None:
    rows = [planned_row(0), planned_row(2), planned_row(3), planned_row(4, -90.0, same_as=2)]
    trials = loaded(write_search(tmp_path, *rows))
    table = texts(states_table(trials))
    assert [row[:4] for row in table] == [
        ["complete", "3", "2", "1"],
        ["pruned", "0", "0", "0"],
        ["repeated", "1", "1", "0"],
        ["failed", "0", "–", "–"],
        ["finished", "4", "3", "1"],
    ]
    assert [row[0] for row in texts(best_table(trials))] == ["0", "2", "3"]
    assert trials.counts == "3 complete, 0 pruned and 1 repeated trial"


def test_settings_of_one_architecture_are_below_its_name(tmp_path: Path) -> None:
    table = best_table(searched(tmp_path, 12))
    assert len(table.rows) == 10
    labels = [column.label for column in table.columns]
    assert "Depth" not in labels
    assert "Epochs" not in labels, "all are the same"
    place = labels.index("Architecture")
    details = [(row[place].text, row[place].detail) for row in table.rows[:2]]
    assert details == [("conv", "channels 16, 32"), ("linear", "depth 2")]
    assert table.rows[0][-1].text == "01234567"


def test_another_condition_keeps_its_column(tmp_path: Path) -> None:
    space: list[dict[str, Any]] = [*SPACE[:3], SPACE[4], SPACE[3] | {"when": {"channels": "[24]"}}]
    trials = searched(tmp_path, 3, plan={"space": space})
    assert "Depth" in [column.label for column in best_table(trials).columns]


def test_nll_and_epochs_have_columns_only_if_informative(tmp_path: Path) -> None:
    rows = [planned_row(n, -100.0 - n, value=90.0 - n, epochs=20 - n) for n in range(3)]
    table = best_table(loaded(write_search(tmp_path, *rows, objective="nll")))
    labels = [column.label for column in table.columns]
    assert labels[:3] == ["Trial", "NLL", "ELBO"]
    assert "Epochs" in labels
    assert [row[:2] for row in texts(table)] == [["2", "88.00"], ["1", "89.00"], ["0", "90.00"]]


def test_the_front(tmp_path: Path) -> None:
    pairs = [(90.0, 10.0), (80.0, 20.0), (95.0, 15.0)]
    rows = [
        planned_row(n, -a - b, value=None, reconstruction=a, kl=b) for n, (a, b) in enumerate(pairs)
    ]
    trials = loaded(write_search(tmp_path, *rows, objective="rate-distortion"))
    table = front_table(trials, trials.complete.iloc[:2])
    assert [row[0] for row in texts(table)] == ["0", "1"]


def test_confirmed_trials(tmp_path: Path) -> None:
    write_confirmed(tmp_path, 0, -101.0, -102.0, -103.0)
    trials = searched(tmp_path, 3)
    found = confirmations(trials.confirmed, SEARCH, 20, 0.95)
    gap = "\N{NO-BREAK SPACE}"
    (row,) = texts(confirmed_table(found, {0: "conv-2"}, 0.95))
    assert row[:5] == ["0", "conv-2", "−100.00", "3", "−102.00"]
    assert row[5:] == [f"[−104.48,{gap}−99.52]", "+2.00", f"[−0.48,{gap}+4.48]"]
    assert confirmed_frame(found)["optimism"].tolist() == [2.0]

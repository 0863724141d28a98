"""Rows that somebody edited are one line from every command."""

import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from pipeline.errors import UserError
from study.search.schedule import TRIAL
from study.store.joining import load_search
from study.store.members import note_member
from study.store.rows import RowError
from study.store.searches import all_searches, find_search
from tests.study.conftest import URL, full_disk, study
from tests.study.store.conftest import NAME, make_search

# A statement, and what is said of it. The trial of number 3 is the fourth.
EDITS = {
    "UPDATE trials SET state = 'DONE' WHERE number = 3": "Optuna's trial 3: ",
    "UPDATE trials SET datetime_start = 'noon' WHERE number = 3": "Optuna's trial 3: ",
    "UPDATE trials SET number = 30 WHERE number = 3": "trials are missing, or have wrong numbers",
    "DELETE FROM trials WHERE number = 3": "trials are missing, or have wrong numbers",
    "UPDATE trial_values SET value = 'many' WHERE trial_id = 4": "Optuna's trial 3: ",
    "DELETE FROM trial_values WHERE trial_id = 4": "one finite number per objective",
    "UPDATE trial_values SET objective = 5 WHERE trial_id = 4": "Optuna's trial 3: ",
    "UPDATE trial_intermediate_values SET intermediate_value = 'x' WHERE trial_id = 4": "number",
    "UPDATE trial_params SET param_value = 7000 WHERE trial_id = 4": "Optuna's trial 3: ",
    "DELETE FROM trial_params WHERE trial_id = 4 AND param_name = 'beta'": "the search space",
    "UPDATE trial_params SET distribution_json = '{' WHERE trial_id = 4": "not valid JSON",
    "UPDATE trial_user_attributes SET value_json = '{' WHERE trial_id = 4": "not valid JSON",
    "UPDATE trial_user_attributes SET value_json = '\"x\"' WHERE trial_id = 4 AND key = 'elbo'": (
        "Optuna's trial 3: elbo: Input should be a valid number"
    ),
    "DELETE FROM trial_user_attributes WHERE trial_id = 4 AND key = 'kl'": "it has no kl",
    "INSERT INTO trial_user_attributes VALUES (NULL, 4, 'curve', '{\"1\": 2}')": "curve.1: ",
    "UPDATE trial_user_attributes SET value_json = '-1' WHERE trial_id = 4 AND key = 'trial'": (
        "trial: Input should be greater than or equal to 0"
    ),
    "UPDATE study_user_attributes SET value_json = '\"x\"' WHERE key = 'target'": "target: ",
    "DELETE FROM study_user_attributes WHERE key = 'target'": "target: ",
    "UPDATE study_user_attributes SET value_json = '[' WHERE key = 'target'": "not valid JSON",
    "UPDATE study_user_attributes SET value_json = '{}' WHERE key = 'plan'": "another version",
    "UPDATE study_directions SET direction = 'MINIMIZE'": "directions are not those of its plan",
}
COMMANDS = (["status"], ["best"], ["show", "3"], ["importance"], ["export"])


def edit(statement: str) -> None:
    with closing(sqlite3.connect("study.db")) as database, database:
        database.execute(statement)


@pytest.mark.parametrize("statement", EDITS)
def test_an_edited_row_is_one_line(search: Path, statement: str) -> None:
    edit(statement)
    with pytest.raises(UserError, match=f"search {NAME}") as refused:
        find_search(URL, NAME)
    assert EDITS[statement] in refused.value.message
    assert "\n" not in refused.value.message
    with pytest.raises(UserError) as same:
        load_search(URL, NAME)
    assert same.value.message == refused.value.message


def test_every_command_says_so(search: Path) -> None:
    edit("DELETE FROM trial_values WHERE trial_id IN (4, 5)")
    line = (
        "Optuna's trial 3: its values are not one finite number per objective (and 1 more); the "
        "database was edited or damaged: restore it from a copy, or move it away"
    )
    for command in COMMANDS:
        result = study(*command)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == f"Error: search {NAME}: {line}\n"
    assert not (search / "results").exists()
    examined = study("doctor")
    assert examined.exit_code == 1
    assert "its values are not one finite number" in examined.stdout


def test_other_searches_are_still_read(search: Path) -> None:
    make_search(name="sound")
    edit("UPDATE study_user_attributes SET value_json = '[' WHERE study_id = 1")
    found, unreadable = all_searches(URL)
    assert [one.study_name for one in found] == ["sound"]
    assert [type(one) for one in unreadable] == [RowError]
    assert study("best", "--name", "sound").exit_code == 0
    listed = study("list")
    assert listed.exit_code == 0
    assert "sound" in listed.stdout
    assert listed.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE study_user_attributes SET value_json = '{}' WHERE key = 'plan'",
        "UPDATE study_user_attributes SET value_json = '\"x\"' WHERE key = 'target'",
        "UPDATE trial_user_attributes SET value_json = '{' WHERE trial_id = 4",
        "UPDATE trial_params SET distribution_json = '{' WHERE trial_id = 4",
    ],
)
def test_a_search_is_deleted_whatever_its_plan_and_its_trials_are(
    search: Path, statement: str
) -> None:
    """Another version may have made it, which `study list` would mention for ever."""
    edit(statement)
    result = study("delete", NAME, "--yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"deleted {NAME} with its 12 trials" in result.stdout
    assert study("list").stderr == ""


def test_a_search_that_a_full_disk_keeps_is_one_line(search: Path) -> None:
    with full_disk(40_000):
        result = study("delete", NAME, "--yes")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "disk I/O error; free some space, then run the same command again" in result.stderr
    assert result.stderr.count("\n") == 1
    assert study("delete", NAME, "--yes").exit_code == 0


def test_a_search_that_somebody_works_for_is_not_deleted_whatever_its_plan_is(
    search: Path,
) -> None:
    note_member(optuna.load_study(study_name=NAME, storage=URL), 20)
    edit("UPDATE study_user_attributes SET value_json = '{}' WHERE key = 'plan'")
    result = study("delete", NAME, "--yes")
    assert result.exit_code == 2
    assert f"search {NAME} is running (process " in result.stderr
    assert optuna.get_all_study_names(URL) == [NAME]


def test_a_search_whose_members_cannot_be_read_is_not_deleted(search: Path) -> None:
    edit("UPDATE study_user_attributes SET value_json = '[' WHERE key = 'target'")
    result = study("delete", NAME, "--yes")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: search {NAME}: it is not valid JSON; the database was")


def test_a_missing_table_is_one_line(search: Path) -> None:
    edit("DROP TABLE trial_user_attributes")
    result = study("best")
    assert result.exit_code == 2
    assert "no such table: trial_user_attributes" in result.stderr
    assert result.stderr.count("\n") == 1


def test_rows_of_others_in_a_search_are_left_alone(search: Path) -> None:
    """Somebody may add attributes, or trials that the search did not ask for."""
    edit("INSERT INTO study_user_attributes (study_id, key, value_json) VALUES (1, 'note', '1')")
    theirs = optuna.load_study(study_name=NAME, storage=URL)
    theirs.add_trial(optuna.create_trial(value=1.0))
    failed = optuna.create_trial(state=optuna.trial.TrialState.FAIL, user_attrs={TRIAL: 0})
    theirs.add_trial(failed)
    assert find_search(URL, NAME).user_attrs["note"] == 1

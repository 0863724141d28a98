"""Deleting a search: refused while somebody works for it, and survived where it happens anyway."""

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from pipeline.runtime.processes import PID_STARTED, identity
from study.search import trial
from study.store.members import note_member
from tests.study.conftest import TRIALS, URL, records, searches, study, the_search


def test_a_search_is_not_deleted_between_two_trials(searched: Path) -> None:
    """No trial is running, but a process has noted that it works for the search."""
    (name,) = searches()
    note_member(the_search(), TRIALS + 1)
    refused = study("delete", name, "--yes")
    assert refused.exit_code == 2
    assert f"search {name} is running (process {identity()['vae.pid']} on " in refused.stderr
    assert searches() == [name]
    the_search().set_user_attr("member:0", None)
    assert study("delete", name, "--yes").exit_code == 0
    assert searches() == []


def test_a_search_of_dead_processes_is_deleted(searched: Path) -> None:
    (name,) = searches()
    dead = identity() | {PID_STARTED: "1"}
    the_search().set_user_attr("member:0", {"owner": dead, "target": 9, "seen": 1.0})
    first = the_search().trials[0]
    the_search().add_trial(
        optuna.create_trial(
            state=TrialState.RUNNING,
            params=first.params,
            distributions=first.distributions,
            user_attrs={"trial": TRIALS, "owner": dead},
        )
    )
    assert study("delete", name, "--yes").exit_code == 0
    assert searches() == []


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("after", [0, 2])
def test_a_run_whose_search_is_deleted_by_hand_ends_in_one_line(
    searched: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], after: int
) -> None:
    """As by Optuna's own command, or on another machine: in the middle of a trial."""
    (name,) = searches()
    train_epochs = trial.train_epochs
    epochs = 0

    def deleting(*words: Any, **more: Any) -> Any:
        nonlocal epochs
        for report in train_epochs(*words, **more):
            if epochs == after:
                optuna.delete_study(study_name=name, storage=URL)
            epochs += 1
            yield report

    monkeypatch.setattr(trial, "train_epochs", deleting)
    result = study("run", "--trials", str(TRIALS + 2), "--workers", "1")
    assert result.exit_code == 2
    assert result.stderr.endswith(
        f"Error: search {name} was deleted while this command was using it; run the command "
        "again to start a new search\n"
    )
    assert result.stderr.count("\n") == 1 + result.stderr.count("not tried first")
    assert "Traceback" not in result.output + "".join(capfd.readouterr())
    runs = records(searched)
    assert "RUNNING" not in {run.info.status for run in runs}
    last = max(runs, key=lambda run: run.info.start_time)
    assert last.data.tags["vae.reason"] == "the search was deleted"
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert parent.info.status == "KILLED"
    assert parent.data.tags["vae.reason"] == "the search was deleted"

"""MLflow's records are completed from Optuna after an outage, a kill or a loss."""

import atexit
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline.runtime import record_store
from pipeline.runtime.processes import DIED
from study.store.reconcile import is_recorded
from study.workers import supervisor
from study.workers.membership import Membership
from study.workers.runner import TrialRunner
from tests.pipeline.records_server import RecordsServer
from tests.study.conftest import WorkerInThisProcess, attempts, study, the_search, trials

EPOCHS = 3


@pytest.fixture
def server(searchable: Path, one_process: None, monkeypatch: pytest.MonkeyPatch) -> RecordsServer:
    """A server that goes away in the first trial; workers do at their end what a process does."""
    server = RecordsServer(searchable, monkeypatch)
    at_exit: list[Callable[[], object]] = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    monkeypatch.setattr(atexit, "unregister", lambda call: None)
    train = TrialRunner.train

    def stop_and_train(*words: Any) -> Any:
        server.is_down = True
        return train(*words)

    def start(*words: Any) -> WorkerInThisProcess:
        at_exit.clear()
        worker = WorkerInThisProcess(*words)
        for close in at_exit:
            close()
        return worker

    monkeypatch.setattr(TrialRunner, "train", stop_and_train)
    monkeypatch.setattr(supervisor, "start_process", start)
    return server


def recorded(server: RecordsServer) -> list[Run]:
    """The runs of the trials, in order."""
    (nested,) = server.children("vae-study").values()
    return sorted(nested, key=lambda run: str(run.info.run_name))


def test_a_search_that_outlives_the_server_is_completed_by_the_next_run(
    server: RecordsServer,
) -> None:
    first = study("run", "--trials", "3", "--workers", "1")
    assert first.exit_code == 0, first.output
    (line,) = [line for line in first.stderr.splitlines() if "MLflow" in line]
    assert "does not answer (Connection refused); the next `study run`" in line
    assert recorded(server) == []
    assert not is_recorded(the_search())

    server.is_down = False
    again = study("run", "--trials", "3")
    assert again.exit_code == 0, again.output
    (line,) = again.stderr.splitlines()
    assert "had an incomplete record of 3 trials" in line
    assert "numbers are written now, but weights and pictures that it lacks are lost" in line
    runs = recorded(server)
    assert [run.info.run_name for run in runs] == ["trial 0", "trial 1", "trial 2"]
    for run, trial in zip(runs, trials(), strict=True):
        attempt = trial.attempt
        assert run.info.status == ("FINISHED" if attempt.state.name == "COMPLETE" else "KILLED")
        assert run.data.params == {key: str(value) for key, value in attempt.params.items()}
        assert run.data.tags["vae.attempt"] == str(attempt.number)
        assert run.data.tags["vae.pid"] == attempt.user_attrs["owner"]["vae.pid"]
        assert attempt.datetime_start is not None
        assert run.info.start_time == int(attempt.datetime_start.timestamp() * 1000)
        history = server.client.get_metric_history(run.info.run_id, "train/kl")
        assert [one.step for one in history] == [1, 2, 3][: len(history)]
        assert len(history) == EPOCHS or attempt.state.name == "PRUNED"
        shown = json.loads(study("show", str(trial.number), "--json").stdout)
        assert shown["mlflow_run"] == run.info.run_id
    study("export")
    with Path("results/trials.csv").open(newline="") as file:
        assert [row["run_id"] for row in csv.DictReader(file)] == [run.info.run_id for run in runs]
    assert is_recorded(the_search())
    assert study("run", "--trials", "3").stderr == ""
    assert len(recorded(server)) == 3


def test_records_are_completed_by_the_doctor_from_final_numbers(
    server: RecordsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the outage was not noticed by the worker."""
    monkeypatch.setattr(record_store.ServerStore, "is_away", False)
    study("run", "--trials", "2", "--workers", "1")
    server.is_down = False
    assert "2 trials with a missing or different record" in study("doctor").output
    fixed = study("doctor", "--fix")
    assert "incomplete record of 2 trials; settings and final numbers are" in fixed.stderr
    for run, attempt in zip(recorded(server), attempts(), strict=True):
        numbers = {name: run.data.metrics[f"valid/{name}"] for name in ("elbo", "kl")}
        assert numbers == {name: pytest.approx(attempt.user_attrs[name]) for name in numbers}
        history = server.client.get_metric_history(run.info.run_id, "valid/elbo")
        known = set(attempt.intermediate_values) | {EPOCHS}
        assert [one.step for one in history] == sorted(known)
    assert "missing or different" not in study("doctor").output


def test_a_server_that_is_away_before_the_first_trial_ends_the_command(
    server: RecordsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Membership.open_record

    def stop_and_open(member: Membership) -> None:
        server.is_down = True
        start(member)

    monkeypatch.setattr(Membership, "open_record", stop_and_open)
    result = study("run", "--trials", "1", "--workers", "1")
    assert result.exit_code == 2
    assert "does not answer" in result.stderr.splitlines()[-1]
    assert attempts() == []


def test_a_record_that_was_left_open_is_completed(searched: Path) -> None:
    """As if each worker had lost the server in the middle, and its record was closed for it."""
    client = MlflowClient(f"sqlite:///{searched}/mlflow.db")
    for attempt in attempts()[:3]:
        client.set_terminated(attempt.user_attrs["run_id"], "KILLED")
        client.set_tag(attempt.user_attrs["run_id"], "vae.reason", DIED)
    client.delete_run(attempts()[3].user_attrs["run_id"])
    assert "4 trials with a missing or different record" in study("doctor").output
    assert "incomplete record of 1 trial;" in study("doctor", "--fix").stderr
    for attempt in attempts()[:3]:
        run = client.get_run(attempt.user_attrs["run_id"])
        reason = run.data.tags.get("vae.reason", "")
        assert (run.info.status, reason) == ("FINISHED", "") or "pruned" in reason
        history = client.get_metric_history(run.info.run_id, "valid/elbo")
        assert len(history) == len({one.step for one in history}), "written twice"
    shown = json.loads(study("show", str(trials()[3].number), "--json").stdout)
    assert client.get_run(shown["mlflow_run"]).info.lifecycle_stage == "active"
    assert study("doctor").exit_code == 0


def test_the_doctor_writes_nothing_to_a_server(server: RecordsServer) -> None:
    before = {one.name: one.lifecycle_stage for one in server.client.search_experiments()}
    found = study("doctor")
    assert "vae-grid: no run recorded yet" in found.output
    assert {one.name: one.lifecycle_stage for one in server.client.search_experiments()} == before

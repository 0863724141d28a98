"""The search: exactly as many trials as asked for, reproducible, and recorded in full."""

import json
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from mlflow import MlflowClient

from pipeline.models import load_model
from pipeline.settings import load_settings
from study.search.plan import Plan
from study.search.schedule import FINISHED, TRIAL, result_of
from tests.study.conftest import (
    SPACE,
    TRIALS,
    attempts,
    change_search,
    records,
    searches,
    study,
    the_search,
)


def states() -> list[str]:
    return [attempt.state.name for attempt in attempts()]


def test_two_workers_finish_exactly_as_many_trials_as_asked_for(searched: Path) -> None:
    assert "a new search" in (searched / "log").read_text()
    assert len([one for one in attempts() if one.state in FINISHED]) == len(states()) == TRIALS
    again = study("run", "--trials", str(TRIALS), "--workers", "2")
    assert f"nothing to do: the search has {TRIALS} finished trials" in again.output
    assert len(states()) == TRIALS
    points = [tuple(sorted(attempt.params.items())) for attempt in attempts()]
    assert len(set(points)) == TRIALS, "workers repeated each other's points"

    more = study("run", "--trials", str(TRIALS + 2), "--workers", "2")
    assert "resuming an existing search" in more.output
    assert len([one for one in attempts() if one.state in FINISHED]) == TRIALS + 2
    numbers = [(attempt.number, attempt.user_attrs[TRIAL]) for attempt in attempts()]
    assert numbers == [(n, n) for n in range(TRIALS + 2)], "undisturbed, Optuna's numbers are ours"

    runs = records(searched)
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert len(parents) == 1
    assert parents[0].info.status == "FINISHED"
    by_id = {run.info.run_id: run for run in runs}
    for attempt in attempts():
        record = by_id[attempt.user_attrs["run_id"]]
        assert record.info.run_name == f"trial {attempt.user_attrs[TRIAL]}"
        assert record.data.tags["mlflow.parentRunId"] == parents[0].info.run_id
        expected = {"COMPLETE": "FINISHED", "PRUNED": "KILLED"}[attempt.state.name]
        assert record.info.status == expected
        assert record.data.params["architecture"] == attempt.params["architecture"]
        assert "valid/elbo" in record.data.metrics
    assert len(runs) == 1 + TRIALS + 2


@pytest.mark.usefixtures("one_process")
def test_every_epoch_is_recorded_and_agrees_with_what_was_compared(searchable: Path) -> None:
    epochs = 12  # more than go to the tracker at once
    change_search(searchable, epochs=epochs)
    assert study("run", "--trials", "4", "--workers", "1").exit_code == 0
    client = MlflowClient(f"sqlite:///{searchable}/mlflow.db")
    compared = 0
    for attempt in attempts():
        history = client.get_metric_history(attempt.user_attrs["run_id"], "valid/elbo")
        by_epoch = {metric.step: metric.value for metric in history}
        complete = attempt.state.name == "COMPLETE"
        ended = epochs if complete else max(attempt.intermediate_values)
        assert sorted(by_epoch) == list(range(1, ended + 1))
        for epoch, value in attempt.intermediate_values.items():
            assert by_epoch[epoch] == value
            compared += 1
    assert compared > 0


def test_another_plan_is_another_search(searched: Path) -> None:
    def name(**search: Any) -> str:
        change_search(searched, **search)
        return Plan.of(load_settings(), "0" * 64).name

    names = [name(), name(epochs=2), name(seed=5), name(objective="nll"), name(space=SPACE[:2])]
    assert len(set(names)) == len(names)
    assert name(trials=99) == names[-1], "the number of trials changes none of them"

    mixed = study("run", "--trials", "1", "--epochs", "1", "--name", searches()[0])
    assert mixed.exit_code == 2
    assert "has another plan" in mixed.stderr
    assert len(searches()) == 1
    assert searches()[0] in study("list").output


def test_a_search_is_shown_exported_and_deleted(searched: Path) -> None:
    for attempt in attempts():
        if attempt.state.name == "COMPLETE":
            assert attempt.value == attempt.user_attrs["elbo"]
    best: Any = max(attempts(), key=lambda one: one.value if one.value else -1e9)
    assert f"{best.value:.2f}" in study("best", "-n", "1").output
    _require_weights_and_pictures(searched, best)

    assert study("export", "--out", "out").exit_code == 0
    frame = pd.read_csv(searched / "out" / "trials.csv")
    assert frame["number"].tolist() == list(range(TRIALS))
    assert set(frame["state"]) <= {"complete", "pruned"}
    assert {"latent_dim", "beta", "width", "elbo", "kl", "epochs", "seconds"} <= set(frame.columns)
    complete = frame[frame["state"] == "complete"]
    card = json.loads((searched / "out" / "best.json").read_text())
    assert card["best"]["number"] == complete.loc[complete["elbo"].idxmax(), "number"]
    assert card["best"]["settings"]["latent_dim"] == card["best"]["params"]["latent_dim"]
    first = (searched / "out" / "trials.csv").read_bytes()
    study("export", "--out", "again")
    assert (searched / "again" / "trials.csv").read_bytes() == first

    shown = study("show", "0").output
    assert "latent_dim" in shown
    assert "dashboard" not in shown, "its numbers are the same"
    missing = study("show", "99")
    assert missing.exit_code == 2
    assert f"has no trial 99; it has 0 to {TRIALS - 1}" in missing.stderr
    (name,) = searches()
    assert "deleted" in study("delete", name, "--yes").output
    assert searches() == []
    assert study("best").exit_code == 2


def _require_weights_and_pictures(project: Path, best: optuna.trial.FrozenTrial) -> None:
    """The best trial left them in its record, from which they load."""
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    run_id = best.user_attrs["run_id"]
    assert {file.path for file in client.list_artifacts(run_id)} == {"model", "valid"}
    pictures = {file.path for file in client.list_artifacts(run_id, "valid")}
    assert pictures == {"valid/reconstructions.png", "valid/samples.png"}
    folder = Path("mlruns/vae-study") / run_id / "artifacts" / "model"
    assert load_model(folder).latent_dim == best.params["latent_dim"]


def test_a_retried_trial_keeps_its_number_and_shows_those_of_its_attempts(searched: Path) -> None:
    first = attempts()[0]
    lost = optuna.create_trial(
        state=optuna.trial.TrialState.FAIL,
        params=first.params,
        distributions=first.distributions,
        user_attrs={TRIAL: 0},
    )
    the_search().add_trial(lost)
    shown = study("show", "0").output
    assert f"0 (complete), {TRIALS} (fail)" in shown
    assert "number attempts" in shown


@pytest.mark.usefixtures("one_process")
def test_two_objectives_yield_a_front_and_prune_nothing(searchable: Path) -> None:
    output = study(
        "run", "--trials", "6", "--workers", "1", "--objective", "rate-distortion"
    ).output
    assert "two objectives: no trial is pruned" in output
    assert "Pareto front" in output
    assert states() == ["COMPLETE"] * 6
    for attempt in attempts():
        result = result_of(attempt)
        assert attempt.values == [result["reconstruction"], result["kl"]]


@pytest.mark.usefixtures("one_process")
def test_nll_is_below_the_negative_elbo_and_replicates_yield_a_spread(searchable: Path) -> None:
    study("run", "--trials", "2", "--workers", "1", "--objective", "nll", "--replicates", "2")
    complete = [attempt for attempt in attempts() if attempt.state.name == "COMPLETE"]
    for attempt in complete:
        result = result_of(attempt)
        assert attempt.value == result["nll"]
        assert result["nll"] <= -result["elbo"] + 0.1
        assert result["spread"] >= 0
    assert complete


@pytest.mark.usefixtures("one_process")
def test_trials_that_diverge_are_recorded_as_failed_and_end_the_search(searchable: Path) -> None:
    space = [{"name": "learning_rate", "kind": "float", "low": 1e17, "high": 1e18}]
    change_search(searchable, space=space)
    text = (searchable / "params.yaml").read_text()
    (searchable / "params.yaml").write_text(
        text.replace("clip_norm: 10.0", "clip_norm: null").replace("one-cycle", "constant")
    )
    result = study("run", "--trials", "2", "--workers", "1")
    assert result.exit_code == 2
    assert set(states()) == {"FAIL"}
    assert "diverged in epoch" in attempts()[0].user_attrs["fault"]
    children = [run for run in records(searchable) if "mlflow.parentRunId" in run.data.tags]
    assert {run.info.status for run in children} == {"FAILED"}
    assert len(children) == len(states())


def test_without_the_server_for_its_records_no_search_begins(
    searchable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(searchable.rglob("*"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    result = study("run", "--trials", "1")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "does not answer" in result.stderr
    assert sorted(searchable.rglob("*")) == before


def test_a_worker_without_data_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = study("worker", "--name", "none")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert list(tmp_path.iterdir()) == []

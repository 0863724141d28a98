"""The search: exactly so many trials, the same again, nothing lost by a kill, all on record."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import psutil
import pytest
from click.testing import CliRunner, Result
from mlflow import MlflowClient
from mlflow.entities import Run

from study.cli import main
from tests.conftest import ROOT
from tests.study.conftest import change_search

URL = "sqlite:///study.db"


def study(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are processes of their own, started in another folder."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def searches() -> list[str]:
    return optuna.get_all_study_names(URL)


def trials(name: str | None = None) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=name or searches()[0], storage=URL).get_trials()


def states() -> list[str]:
    return [trial.state.name for trial in trials()]


def values() -> list[tuple[dict[str, Any], Any]]:
    return [
        (trial.params, trial.values)
        for trial in trials()
        if trial.state.name in ("COMPLETE", "PRUNED")
    ]


def records(project: Path) -> list[Run]:
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    experiment = client.get_experiment_by_name("vae-study")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def test_two_workers_finish_exactly_so_many_and_then_nothing(searchable: Path) -> None:
    first = study("run", "--trials", "7", "--workers", "2")
    assert first.exit_code == 0, first.output
    assert "a new search" in first.output
    assert len(values()) == len(states()) == 7
    again = study("run", "--trials", "7", "--workers", "2")
    assert "nothing to do: the search has 7 finished trials" in again.output
    assert len(states()) == 7
    points = [tuple(sorted(trial.params.items())) for trial in trials()]
    assert len(set(points)) == 7, "workers repeated each other's points"

    more = study("run", "--trials", "9", "--workers", "2")
    assert "an existing search, which goes on" in more.output
    assert len(values()) == 9

    runs = records(searchable)
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert len(parents) == 1
    assert parents[0].info.status == "FINISHED"
    by_id = {run.info.run_id: run for run in runs}
    for trial in trials():
        record = by_id[trial.user_attrs["run_id"]]
        assert record.data.tags["mlflow.parentRunId"] == parents[0].info.run_id
        assert record.info.status == {"COMPLETE": "FINISHED", "PRUNED": "KILLED"}[trial.state.name]
        assert record.data.params["architecture"] == trial.params["architecture"]
        assert "valid/elbo" in record.data.metrics
    assert len(runs) == 1 + 9


def test_one_worker_repeats_itself_also_when_interrupted(searchable: Path) -> None:
    for total in ("3", "8"):
        study("run", "--trials", total, "--workers", "1", "--pruner", "none")
    interrupted = values()
    (searchable / "study.db").rename(searchable / "first.db")
    for rest in searchable.glob("study.db-*"):
        rest.unlink()
    optuna.storages.RDBStorage(URL)  # another file, so another connection
    study("run", "--trials", "8", "--workers", "1", "--pruner", "none")
    assert values() == interrupted


def test_another_plan_is_another_search(searchable: Path) -> None:
    study("run", "--trials", "1", "--workers", "1")
    study("run", "--trials", "1", "--workers", "1", "--epochs", "2")
    change_search(searchable, seed=5)
    assert "a new search" in study("run", "--trials", "1", "--workers", "1").output
    assert len(searches()) == 3
    mixed = study("run", "--trials", "1", "--epochs", "1", "--name", searches()[0])
    assert mixed.exit_code == 2
    assert "has another plan" in mixed.stderr
    assert len(searches()) == 3
    status = study("list").output
    assert all(name[:20] in status for name in searches())


def test_the_value_is_the_validation_elbo_whatever_beta_is(searchable: Path) -> None:
    study("run", "--trials", "3", "--workers", "1", "--pruner", "none")
    for trial in trials():
        result = trial.user_attrs["result"]
        assert trial.value == result["elbo"]
        assert result["elbo"] == pytest.approx(-(result["reconstruction"] + result["kl"]))
    best = max(trial.value for trial in trials() if trial.value is not None)
    output = study("best", "-n", "1").output
    assert f"{best:.2f}" in output


def test_a_search_is_shown_exported_and_deleted(searchable: Path) -> None:
    study("run", "--trials", "8", "--workers", "1")
    assert study("export", "--out", "out").exit_code == 0
    frame = pd.read_csv(searchable / "out" / "trials.csv")
    assert frame["number"].tolist() == [trial.number for trial in trials()]
    assert set(frame["state"]) <= {"complete", "pruned"}
    assert {"latent_dim", "beta", "width", "elbo", "kl", "epochs", "seconds"} <= set(frame.columns)
    complete = frame[frame["state"] == "complete"]
    card = json.loads((searchable / "out" / "best.json").read_text())
    assert card["best"]["number"] == complete.loc[complete["elbo"].idxmax(), "number"]
    assert card["best"]["settings"]["latent_dim"] == card["best"]["params"]["latent_dim"]
    first = (searchable / "out" / "trials.csv").read_bytes()
    study("export", "--out", "again")
    assert (searchable / "again" / "trials.csv").read_bytes() == first

    assert "latent_dim" in study("show", "0").output
    missing = study("show", "99")
    assert missing.exit_code == 2
    assert "has no trial 99; it has 0 to 7" in missing.stderr
    (name,) = searches()
    assert "deleted" in study("delete", name, "--yes").output
    assert searches() == []
    assert study("best").exit_code == 2


def test_two_objectives_give_a_front_and_prune_nothing(searchable: Path) -> None:
    output = study(
        "run", "--trials", "6", "--workers", "1", "--objective", "rate-distortion"
    ).output
    assert "two objectives: no trial is pruned" in output
    assert "Pareto front" in output
    assert states() == ["COMPLETE"] * 6
    for trial in trials():
        result = trial.user_attrs["result"]
        assert trial.values == [result["reconstruction"], result["kl"]]


def test_nll_is_below_the_negative_elbo_and_replicates_give_a_spread(searchable: Path) -> None:
    study("run", "--trials", "2", "--workers", "1", "--objective", "nll", "--replicates", "2")
    complete = [trial for trial in trials() if trial.state.name == "COMPLETE"]
    for trial in complete:
        result = trial.user_attrs["result"]
        assert trial.value == result["nll"]
        assert result["nll"] <= -result["elbo"] + 0.1
        assert result["spread"] >= 0
    assert complete


def test_trials_that_diverge_are_failed_on_record_and_end_the_search(searchable: Path) -> None:
    space = [{"name": "learning_rate", "kind": "float", "low": 1e17, "high": 1e18}]
    change_search(searchable, space=space)
    text = (searchable / "params.yaml").read_text()
    (searchable / "params.yaml").write_text(
        text.replace("clip_norm: 10.0", "clip_norm: null").replace("one-cycle", "constant")
    )
    result = study("run", "--trials", "2", "--workers", "1")
    assert result.exit_code == 2
    assert set(states()) == {"FAIL"}
    assert "diverged in epoch" in trials()[0].user_attrs["reason"]
    children = [run for run in records(searchable) if "mlflow.parentRunId" in run.data.tags]
    assert {run.info.status for run in children} == {"FAILED"}
    assert len(children) == len(states())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_workers_and_searches_lose_and_double_nothing(searchable: Path) -> None:
    """Workers and whole searches are killed at moments of chance; the books agree afterwards."""
    change_search(searchable, epochs=40)
    words = [sys.executable, "-m", "study", "run", "--trials", "10", "--workers", "2"]
    moments = iter([3.5, 4.7, 6.1, 5.2])
    with (searchable / "log").open("w") as log:
        for moment in moments:
            process = subprocess.Popen(words, stdout=log, stderr=log, env=dict(os.environ))
            time.sleep(moment)
            family = psutil.Process(process.pid).children(recursive=True)
            for worker in family:
                worker.send_signal(signal.SIGKILL)
            process.kill()
            process.wait()
    assert study("run", "--trials", "10", "--workers", "2").exit_code == 0
    assert len(values()) == 10
    assert not {"RUNNING", "WAITING"} & set(states())
    killed = [trial for trial in trials() if trial.state.name == "FAIL"]
    tried_again = [params for params, _ in values()]
    assert all(trial.params in tried_again for trial in killed if trial.params)
    runs = records(searchable)
    assert "RUNNING" not in {run.info.status for run in runs}
    recorded = {run.info.run_id for run in runs}
    assert all(trial.user_attrs["run_id"] in recorded for trial in trials() if trial.value)

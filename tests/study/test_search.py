"""The search: exactly so many trials, the same again, nothing lost by a kill, all on record."""

import json
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline.models import load_model
from pipeline.settings import load_settings
from study.cli import main
from study.search.plan import Plan
from tests.conftest import ROOT
from tests.study.conftest import SPACE, change_search

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


def test_every_epoch_is_on_record_and_agrees_with_what_was_compared(searchable: Path) -> None:
    epochs = 12  # more than go to the tracker at once
    change_search(searchable, epochs=epochs)
    assert study("run", "--trials", "4", "--workers", "1").exit_code == 0
    client = MlflowClient(f"sqlite:///{searchable}/mlflow.db")
    compared = 0
    for trial in trials():
        history = client.get_metric_history(trial.user_attrs["run_id"], "valid/elbo")
        by_epoch = {metric.step: metric.value for metric in history}
        ended = epochs if trial.state.name == "COMPLETE" else max(trial.intermediate_values)
        assert sorted(by_epoch) == list(range(1, ended + 1))
        for epoch, value in trial.intermediate_values.items():
            assert by_epoch[epoch] == value
            compared += 1
    assert compared > 0


def test_another_plan_is_another_search(searchable: Path) -> None:
    def name(**search: Any) -> str:
        change_search(searchable, **search)
        return Plan.of(load_settings(), "0" * 64).name

    names = [name(), name(epochs=2), name(seed=5), name(objective="nll"), name(space=SPACE[:2])]
    assert len(set(names)) == len(names)
    assert name(trials=99) == names[-1], "how many trials there are changes none of them"

    study("run", "--trials", "1", "--workers", "1")
    mixed = study("run", "--trials", "1", "--epochs", "1", "--name", searches()[0])
    assert mixed.exit_code == 2
    assert "has another plan" in mixed.stderr
    assert len(searches()) == 1
    assert searches()[0] in study("list").output


def test_a_search_is_shown_exported_and_deleted(searchable: Path) -> None:
    study("run", "--trials", "8", "--workers", "1")
    for trial in trials():
        if trial.state.name == "COMPLETE":
            result = trial.user_attrs["result"]
            assert trial.value == result["elbo"], "whatever beta it was trained with"
            assert result["elbo"] == pytest.approx(-(result["reconstruction"] + result["kl"]))
    best: Any = max(trials(), key=lambda trial: trial.value if trial.value else -1e9)
    assert f"{best.value:.2f}" in study("best", "-n", "1").output
    _require_weights_and_pictures(searchable, best)

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


def _require_weights_and_pictures(project: Path, best: optuna.trial.FrozenTrial) -> None:
    """The best trial left them in its record, from which they load."""
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    run_id = best.user_attrs["run_id"]
    assert {file.path for file in client.list_artifacts(run_id)} == {"model", "valid"}
    pictures = {file.path for file in client.list_artifacts(run_id, "valid")}
    assert pictures == {"valid/reconstructions.png", "valid/samples.png"}
    folder = Path("mlruns/vae-study") / run_id / "artifacts" / "model"
    assert load_model(folder).latent_dim == best.params["latent_dim"]


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
    assert "diverged in epoch" in trials()[0].user_attrs["fault"]
    children = [run for run in records(searchable) if "mlflow.parentRunId" in run.data.tags]
    assert {run.info.status for run in children} == {"FAILED"}
    assert len(children) == len(states())

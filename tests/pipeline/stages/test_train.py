"""Stage train, as DVC calls it, on small data."""

import csv
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient

from pipeline.errors import UserError
from pipeline.jobs.train import TrainingTask, train_run
from pipeline.jobs.training_job import TrainingJob
from pipeline.models import load_model
from pipeline.schemas.protocol import PROTOCOL_FIELDS
from pipeline.settings import load_settings
from pipeline.stages import evaluate, train
from tests.imports import ROOT
from tests.pipeline.records_server import RecordsServer
from tests.pipeline.stages.conftest import RUNS, call, change, times_of, wait_for

PREPARED = Path("data/prepared.safetensors")


def weights(project: Path) -> dict[str, bytes]:
    return {
        path.parent.relative_to(project / "models").as_posix(): path.read_bytes()
        for path in (project / "models").glob("*/[!.]*/model.safetensors")  # no partial ones
    }


def histories(project: Path) -> dict[str, list[dict[str, str]]]:
    """Without the times, which differ."""
    found = {}
    for path in (project / "models").glob("*/*/history.csv"):
        with path.open(newline="") as file:
            found[path.parent.name] = [row | {"seconds": ""} for row in csv.DictReader(file)]
    return found


def test_training_leaves_a_whole_folder_per_run(trained: Path) -> None:
    assert set(weights(trained)) == set(RUNS)
    folder = trained / "models" / "conv-3" / "seed-0"
    assert {path.name for path in folder.iterdir()} == {
        "model.safetensors",
        "config.json",
        "history.csv",
    }
    config = json.loads((folder / "config.json").read_text())
    assert set(config["protocol"]) == set(PROTOCOL_FIELDS)
    assert config["settings"]["latent_dim"] == 3
    assert config["epochs"] == 2
    assert config["versions"]["torch"]
    assert load_model(folder).parameter_count == config["parameters"]
    with (folder / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["split"]) for row in rows] == [
        ("1", "train"),
        ("1", "valid"),
        ("2", "train"),
        ("2", "valid"),
    ]
    assert not list((trained / "models").glob("**/.partial*"))


def test_training_is_recorded_as_nested_runs(trained: Path) -> None:
    client = MlflowClient(f"sqlite:///{trained}/mlflow.db")
    experiment = client.get_experiment_by_name("vae-grid")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    parents = [run for run in runs if run.info.run_name == "grid mnist-5k"]
    assert len(parents) == 1
    children = {run.info.run_name: run for run in runs if "mlflow.parentRunId" in run.data.tags}
    assert set(children) == set(RUNS)
    child = children["conv-2/seed-0"]
    assert child.data.tags["mlflow.parentRunId"] == parents[0].info.run_id
    assert child.data.params["architecture"] == "conv"
    expected = {
        f"{split}/{name}"
        for split in ("train", "valid")
        for name in ("elbo", "reconstruction", "kl", "loss")
    }
    assert set(child.data.metrics) == expected | {"train/learning_rate"}
    steps = [metric.step for metric in client.get_metric_history(child.info.run_id, "valid/elbo")]
    assert steps == [1, 2]
    files = {file.path for file in client.list_artifacts(child.info.run_id, "model")}
    assert files == {"model/config.json", "model/history.csv", "model/model.safetensors"}


def test_training_again_does_nothing(trained: Path) -> None:
    before = times_of(trained / "models")
    assert call(train.main).output == "4 of 4 runs are up to date\n"
    assert times_of(trained / "models") == before


def test_a_larger_grid_trains_only_what_is_new(trained: Path) -> None:
    before = weights(trained)
    change(trained, "train", latent_dims=[3, 4])
    output = call(train.main).output
    assert "2 of 4 runs are up to date" in output
    assert "not in the grid, and kept for another one: conv-2/seed-0, linear-2/seed-0" in output
    after = weights(trained)
    assert set(after) == {f"{a}-{d}/seed-0" for a in ("linear", "conv") for d in (3, 4)}
    assert after["conv-3/seed-0"] == before["conv-3/seed-0"]


def test_only_what_the_pipeline_wrote_is_removed(trained: Path) -> None:
    models = trained / "models"
    run = models / "linear-2" / "seed-0"
    (models / "linear-2" / "notes.txt").write_text("mine")
    (models / "conv-2" / "seed-0" / "notes.txt").write_text("mine")
    for copied in ("linear-2/seed-0-copy", "linear-2/seed-7", "backup/best"):
        shutil.copytree(run, models / copied)
    (models / "backup" / "weights").mkdir()
    shutil.copy(run / "model.safetensors", models / "backup" / "weights")
    left = models / "linear-2" / ".partial-seed-9-4194305-1"
    left.mkdir()
    (left / "history.csv").touch()
    mine = {path: path.read_bytes() for path in models.rglob("*") if path.is_file()}
    del mine[left / "history.csv"]

    change(trained, "train", latent_dims=[3])
    lines = call(train.main).output.splitlines()
    assert lines[1:] == [
        "not in the grid, and kept for another one: linear-2/seed-0",
        "left in models, because the pipeline did not write it: backup/best, backup/weights, "
        "conv-2/seed-0, linear-2/notes.txt, linear-2/seed-0-copy and 1 more",
    ]
    assert not left.exists()
    gone = {path for path in mine if not path.exists()}
    assert gone == {run / name for name in ("model.safetensors", "config.json", "history.csv")}
    assert all(path.read_bytes() == content for path, content in mine.items() if path not in gone)


def test_a_copy_made_by_hand_is_not_taken_for_a_renamed_run(trained: Path) -> None:
    (trained / "models" / "linear-2").rename(trained / "models" / "backup")
    call(train.main)
    assert (trained / "models" / "backup" / "seed-0" / "config.json").exists()
    assert set(weights(trained)) == {*RUNS, "backup/seed-0"}


def test_a_second_beta_keeps_the_runs_of_the_first(trained: Path) -> None:
    before = weights(trained)
    change(trained, "train", architectures=["linear"], latent_dims=[2], betas=[1.0, 4.0])
    assert "1 of 2 runs are up to date" in call(train.main).output
    after = weights(trained)
    assert set(after) == {"linear-2/beta-1-seed-0", "linear-2/beta-4-seed-0"}
    assert after["linear-2/beta-1-seed-0"] == before["linear-2/seed-0"]
    call(evaluate.main)
    cell = json.loads((trained / "results" / "cells" / "linear-2.json").read_text())
    assert set(cell) == {"beta-1", "beta-4"}


def test_code_that_changed_after_the_start_is_refused(trained: Path) -> None:
    folder = trained / "models" / "linear-2" / "seed-0"
    settings = load_settings().runs["linear-2/seed-0"]
    task = TrainingTask("linear-2/seed-0", settings, folder, fingerprint="of other code")
    with pytest.raises(UserError, match="code or data changed after training began"):
        train_run(task, lambda report: None, PREPARED)


def test_going_back_and_forth_between_grids_trains_each_run_once(trained: Path) -> None:
    grids: list[dict[str, Any]] = [{"epochs": 2}, {"epochs": 1}, {"latent_dims": [3, 4]}]
    first: dict[int, dict[str, bytes]] = {}
    told = []
    for number in (0, 1, 2, 1, 0, 2):
        change(trained, "train", **({"latent_dims": [2, 3], "epochs": 2} | grids[number]))
        told.append(call(train.main).output)
        assert weights(trained) == first.setdefault(number, weights(trained))
    assert re.findall(r"trained (\d+) runs", "".join(told)) == ["4", "2"]


def test_what_was_replaced_or_damaged_comes_back_but_not_if_it_is_damaged_too(
    trained: Path,
) -> None:
    before = weights(trained)
    kept = sorted((trained / "kept" / "models").iterdir())
    assert len(kept) == 4
    for one in kept[:2]:
        (one / "history.csv").write_text("")
    shutil.rmtree(trained / "models" / "linear-2")
    shutil.rmtree(trained / "models" / "linear-3")
    shutil.rmtree(trained / "models" / "conv-2")
    shutil.rmtree(trained / "models" / "conv-3")
    assert "2 of 4 runs are up to date" in call(train.main).output
    assert weights(trained) == before
    assert sorted((trained / "kept" / "models").iterdir()) == kept
    shutil.rmtree(trained / "models")
    assert "4 of 4 runs are up to date" in call(train.main).output


def test_what_is_damaged_or_of_other_settings_is_trained_again(trained: Path) -> None:
    before = weights(trained)
    shutil.rmtree(trained / "kept")
    (trained / "models" / "linear-2" / "seed-0" / "history.csv").unlink()
    path = trained / "models" / "linear-3" / "seed-0" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    assert "2 of 4 runs are up to date" in call(train.main).output
    assert weights(trained) == before
    change(trained, "train", epochs=1)
    assert "up to date" not in call(train.main).output
    assert weights(trained) != before


@pytest.mark.slow
@pytest.mark.usefixtures("real_workers")
def test_worker_processes_change_no_number(trained: Path) -> None:
    before, told = weights(trained), histories(trained)
    shutil.rmtree(trained / "kept")
    shutil.rmtree(trained / "models")
    output = call(train.main, "--workers", "2").output
    assert output.splitlines()[-1].startswith("trained 4 runs in ")
    assert output.endswith(" s with 2 workers\n")
    assert weights(trained) == before
    assert histories(trained) == told


def test_divergence_ends_with_one_line_and_a_failed_record(project: Path) -> None:
    change(project, "train", learning_rate=1e18, clip_norm=None, schedule="constant")
    result = CliRunner().invoke(train.main, [])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: training of linear-2 (beta 1, seed 0) diverged")
    assert result.stderr.count("\n") == 1
    assert weights(project) == {}
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    runs = client.search_runs(["1"])
    assert {run.info.status for run in runs} == {"FAILED"}
    assert any("diverged in epoch" in run.data.tags["vae.reason"] for run in runs)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_training_goes_on_to_the_same_numbers(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SIGKILL in the middle of a run; what was finished stays, what was not is made again."""
    change(project, "train", architectures=["linear"], latent_dims=[2], seeds=[0, 1, 2], epochs=120)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "pipeline.stages.train", "--workers", "1"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as process:
        wait_for(lambda: weights(project))
        process.send_signal(signal.SIGKILL)
    kept = weights(project)
    assert 0 < len(kept) < 3, "killed too late or too early to show anything"
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    assert {run.info.status for run in client.search_runs(["1"])} >= {"RUNNING"}

    call(train.main)
    resumed, told = weights(project), histories(project)
    assert kept.items() <= resumed.items()
    assert {run.info.status for run in client.search_runs(["1"])} == {"FINISHED", "KILLED"}

    (project / "models").rename(tmp_path_factory.mktemp("first") / "models")
    call(train.main)
    assert weights(project) == resumed
    assert histories(project) == told


def test_artefacts_that_cannot_be_kept_cost_no_run(trained: Path) -> None:
    shutil.rmtree(trained / "mlruns")
    (trained / "mlruns").touch()
    shutil.rmtree(trained / "kept")
    (trained / "models" / "linear-2" / "seed-0" / "config.json").unlink()
    result = call(train.main)
    assert "warning: the artefacts of an MLflow run cannot be kept" in result.stderr
    assert len(weights(trained)) == 4


def test_training_outlives_the_server_of_its_records(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RecordsServer(project, monkeypatch)
    finish = TrainingJob.finish

    def finish_and_stop(*words: Any) -> str:
        server.is_down = True
        return finish(*words)

    monkeypatch.setattr(TrainingJob, "finish", finish_and_stop)
    result = call(train.main)
    assert set(weights(project)) == set(RUNS)
    away, lost = result.stderr.splitlines()
    assert "does not answer (Connection refused); work goes on" in away
    assert "has incomplete records for linear-2/seed-0, linear-3/seed-0" in lost


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_termination_closes_the_records(project: Path) -> None:
    change(project, "train", architectures=["linear"], latent_dims=[2], epochs=50_000)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "pipeline.stages.train"]

    def epochs_told() -> int:
        with closing(sqlite3.connect(project / "mlflow.db", timeout=10)) as database:
            count: int = database.execute("SELECT COUNT(*) FROM metrics").fetchone()[0]
        return count

    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as process:
        wait_for(epochs_told)
        process.terminate()
        assert process.wait(timeout=30) == 1
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    assert {run.info.status for run in client.search_runs(["1"])} == {"KILLED"}

"""The stages in their order, as DVC calls them, on small data."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from ruamel.yaml import YAML

from pipeline.errors import UserError
from pipeline.jobs.train import Origin, TrainingTask, train_run
from pipeline.models import load_model
from pipeline.schemas.protocol import PROTOCOL_FIELDS
from pipeline.settings import load_settings
from pipeline.stages import collect, evaluate, train
from tests.conftest import ROOT
from tests.pipeline.stages.conftest import call

# The first test of a process trains and measures the runs that the others copy.
pytestmark = pytest.mark.timeout(300)

PREPARED = Path("data/prepared.safetensors")
RUNS = ("linear-2/seed-0", "linear-3/seed-0", "conv-2/seed-0", "conv-3/seed-0")


def change(project: Path, **values: Any) -> None:
    """Change section train of params.yaml."""
    yaml = YAML(typ="safe", pure=True)
    content = yaml.load(project / "params.yaml")
    for name, value in values.items():
        part = content["train"]["grid"] if name in content["train"]["grid"] else content["train"]
        part[name] = value
    yaml.dump(content, project / "params.yaml")


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


def test_training_leaves_a_whole_folder_a_run(trained: Path) -> None:
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
    before = {path: path.stat().st_mtime_ns for path in (trained / "models").glob("*/*/*")}
    assert call(train.main).output == "4 of 4 runs are up to date\n"
    assert before == {path: path.stat().st_mtime_ns for path in (trained / "models").glob("*/*/*")}


def test_a_larger_grid_trains_only_what_is_new(trained: Path) -> None:
    before = weights(trained)
    change(trained, latent_dims=[3, 4])
    output = call(train.main).output
    assert "2 of 4 runs are up to date" in output
    assert "removed models/linear-2/seed-0, which is not in the grid" in output
    after = weights(trained)
    assert set(after) == {f"{a}-{d}/seed-0" for a in ("linear", "conv") for d in (3, 4)}
    assert after["conv-3/seed-0"] == before["conv-3/seed-0"]


def test_a_second_beta_keeps_the_runs_of_the_first(trained: Path) -> None:
    before = weights(trained)
    change(trained, latent_dims=[2], betas=[1.0, 4.0])
    assert "2 of 4 runs are up to date" in call(train.main).output
    after = weights(trained)
    assert after["conv-2/beta-1-seed-0"] == before["conv-2/seed-0"]
    assert "conv-2/seed-0" not in after
    call(evaluate.main, "--workers", "1")
    cell = json.loads((trained / "results" / "cells" / "conv-2.json").read_text())
    assert set(cell) == {"beta-1", "beta-4"}


def test_damaged_weights_are_trained_again(trained: Path) -> None:
    before = weights(trained)
    path = trained / "models" / "linear-2" / "seed-0" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    assert "3 of 4 runs are up to date" in call(train.main).output
    assert weights(trained) == before


def test_code_that_changed_after_the_start_is_refused(trained: Path) -> None:
    folder = trained / "models" / "linear-2" / "seed-0"
    settings = load_settings().runs["linear-2/seed-0"]
    task = TrainingTask("linear-2/seed-0", settings, PREPARED, folder, Origin("of other code"))
    with pytest.raises(UserError, match="code or data changed after training began"):
        train_run(task, lambda report: None)


def test_other_settings_or_a_damaged_folder_train_again(trained: Path) -> None:
    before = weights(trained)
    (trained / "models" / "linear-2" / "seed-0" / "history.csv").unlink()
    assert "3 of 4 runs are up to date" in call(train.main).output
    assert weights(trained) == before
    change(trained, epochs=1)
    assert "up to date" not in call(train.main).output
    assert weights(trained) != before


def test_the_number_of_workers_changes_no_number(trained: Path) -> None:
    before, told = weights(trained), histories(trained)
    change(trained, latent_dims=[7])
    call(train.main)
    change(trained, latent_dims=[2, 3])
    call(train.main, "--workers", "1")
    assert weights(trained) == before
    assert histories(trained) == told


def test_divergence_ends_with_one_line_and_a_failed_record(project: Path) -> None:
    change(project, learning_rate=1e18, clip_norm=None, schedule="constant")
    result = CliRunner().invoke(train.main, ["--workers", "1"])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: training of linear-2 (beta 1, seed 0) diverged")
    assert result.stderr.count("\n") == 1
    assert weights(project) == {}
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    runs = client.search_runs(["1"])
    assert {run.info.status for run in runs} == {"FAILED"}
    assert any("diverged in epoch" in run.data.tags["vae.reason"] for run in runs)


def test_a_killed_training_goes_on_to_the_same_numbers(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SIGKILL in the middle of a run; what was finished stays, what was not is made again."""
    change(project, epochs=150, latent_dims=[2], seeds=[0, 1])
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "pipeline.stages.train", "--workers", "2"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 90
        while not weights(project) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    kept = weights(project)
    assert 0 < len(kept) < 4, "killed too late or too early to show anything"
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    assert {run.info.status for run in client.search_runs(["1"])} >= {"RUNNING"}

    call(train.main, "--workers", "2")
    resumed, told = weights(project), histories(project)
    assert kept.items() <= resumed.items()
    assert "RUNNING" not in {run.info.status for run in client.search_runs(["1"])}
    assert "KILLED" in {run.info.status for run in client.search_runs(["1"])}

    (project / "models").rename(tmp_path_factory.mktemp("first") / "models")
    call(train.main, "--workers", "2")
    assert weights(project) == resumed
    assert histories(project) == told


def test_artefacts_that_cannot_be_kept_cost_no_run(trained: Path) -> None:
    shutil.rmtree(trained / "mlruns")
    (trained / "mlruns").touch()
    (trained / "models" / "linear-2" / "seed-0" / "config.json").unlink()
    result = call(train.main)
    assert "warning: the artefacts of an MLflow run cannot be kept" in result.stderr
    assert len(weights(trained)) == 4


def test_a_termination_closes_the_records(project: Path) -> None:
    change(project, epochs=20_000, latent_dims=[2])
    (project / "mlflow.db").unlink()  # the first that the stage does is to make it
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "pipeline.stages.train"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 90
        while not (project / "mlflow.db").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(6)  # some epochs
        process.terminate()
        assert process.wait(timeout=30) == 1
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    assert {run.info.status for run in client.search_runs(["1"])} == {"KILLED"}


def test_a_missing_result_is_told_in_one_line(project: Path) -> None:
    result = CliRunner().invoke(collect.main, [])
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: results/runs/linear-2/seed-0/metrics.json: cannot be read: "
        "No such file or directory; run `dvc repro`\n"
    )

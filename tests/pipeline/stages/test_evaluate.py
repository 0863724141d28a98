"""The evaluation of a grid, on small data."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from mlflow import MlflowClient

from pipeline.data.prepared import PreparedData, load_prepared
from pipeline.jobs.evaluation_job import EvaluationJob
from pipeline.jobs.evaluation_task import (
    evaluation_fingerprint,
    finished_evaluation,
)
from pipeline.jobs.training_job import TrainingJob
from pipeline.schemas.judge_card import JUDGE_CARD, JUDGE_WEIGHTS, load_judge_card
from pipeline.schemas.metrics import METRICS
from pipeline.settings import load_settings
from pipeline.stages import evaluate, judge, train
from tests.imports import ROOT
from tests.pipeline.records_server import RecordsServer
from tests.pipeline.stages.conftest import (
    PLANE_ONLY,
    RUNS,
    call,
    change,
    read_row,
    times_of,
    wait_for,
)

PREPARED, MODEL = Path("data/prepared.safetensors"), Path("models/linear-2/seed-0")
JUDGE = Path("judge")
AIS = {name for name in METRICS if name.startswith("ais_")}


def results(project: Path) -> dict[str, bytes]:
    """Every file of the finished results, by its path."""
    root = project / "results" / "runs"
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.glob("*/[!.]*/*")  # no partial ones
    }


def test_every_run_has_every_metric(evaluated: Path, prepared: PreparedData) -> None:
    for run in RUNS:
        row = read_row(evaluated, run)
        assert row["run"] == run
        assert row["split"] == "test"
        assert row["split_hash"] == prepared.splits["test"].hash
        assert set(METRICS) <= set(row)
        absent = {name for name in METRICS if row[name] is None}
        assert absent == AIS | (set() if row["latent_dim"] == 2 else PLANE_ONLY)
        assert row["judge"] == load_judge_card(JUDGE).sha256
        assert row["elbo"] == pytest.approx(-(row["reconstruction"] + row["kl"]))
        assert sum(row["kl_per_dim"]) == pytest.approx(row["kl"], abs=1e-4)
        assert row["mutual_information"] + row["marginal_kl"] == pytest.approx(row["kl"], abs=1e-4)
        assert row["mutual_information"] <= row["mutual_information_ceiling"] == math.log(40)
        assert -row["elbo"] > row["nll_50"] > row["nll_500"]
        assert row["nll_50_subset"] > row["nll_500_subset"] > row["nll_5000"]
        assert 0 < row["nll_500_mc_error"] < 0.1
        assert row["nll_5000_images"] == 5
        assert row["active_units_0.1"] <= row["active_units"] <= row["active_units_0.001"]
        assert 0.2 <= row["latent_accuracy"] <= 1
        assert 0 < row["sharpness"] < 2
        assert 0 <= row["contrast"] <= 1
        assert row["frechet_distance"] > 0
        for name in ("precision", "recall", "coverage", "low_confidence", "path_plausibility"):
            assert 0 <= row[name] <= 1
        for name in ("confidence", "path_min_confidence"):
            assert 1 / 4 <= row[name] <= 1
        assert 0 <= row["class_entropy"] <= math.log(4)
        if row["latent_dim"] == 2:
            assert row["grid_center_class"] in range(4)
            assert row["grid_center_borders"] < row["grid_classes"] <= 4


def test_what_is_known_of_each_image_is_kept(evaluated: Path) -> None:
    row = read_row(evaluated, "conv-2/seed-0")
    folder = evaluated / "results" / "runs" / "conv-2" / "seed-0"
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        assert arrays["mu"].shape == (40, 2)
        assert arrays["elbo"].mean() == pytest.approx(row["elbo"], abs=1e-3)
        assert arrays["nll_500"].mean() == pytest.approx(row["nll_500"])
        assert arrays["nll_5000"].mean() == pytest.approx(row["nll_5000"])
        assert len(np.unique(arrays["nll_5000_indices"])) == 5
        assert "latent_grid" in arrays
        assert "traversals" not in arrays
        assert np.isfinite(arrays["log_var"]).all()
        assert arrays["log_var"].shape == (40, 2)
        assert arrays["ranked_reconstructions"].shape == (3, 8, 8, 8)
        ranked = arrays["ranked_indices"]
        np.testing.assert_array_equal(arrays["ranked_values"], arrays["reconstruction"][ranked])
        best, worst = arrays["reconstruction"].min(), arrays["reconstruction"].max()
        assert (arrays["ranked_values"][0, 0], arrays["ranked_values"][2, -1]) == (best, worst)


def test_larger_latents_are_traversed(evaluated: Path) -> None:
    folder = evaluated / "results" / "runs" / "linear-3" / "seed-0"
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        assert arrays["traversals"].shape == (4, 3, 15, 8, 8)
        dims, bases = arrays["traversal_dims"], arrays["traversal_bases"]
        np.testing.assert_array_equal(arrays["traversal_base_codes"], arrays["mu"][bases])
        assert (np.diff(arrays["mu_variance"][dims]) <= 0).all()
        assert arrays["labels"][bases].tolist() == [0, 1, 2, 3]


def test_the_judges_opinion_of_each_picture_is_kept(evaluated: Path) -> None:
    folder = evaluated / "results" / "runs" / "conv-2" / "seed-0"
    row = read_row(evaluated, "conv-2/seed-0")
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        assert arrays["samples_classes"].shape == arrays["samples"].shape[:1]
        assert arrays["interpolations_confidence"].shape == arrays["interpolations"].shape[:2]
        assert arrays["plane_classes"][15, 15] == row["grid_center_class"]
        borders = dict(arrays["plane_borders"].tolist())
    assert len(borders) == row["grid_classes"]
    assert borders[row["grid_center_class"]] == row["grid_center_borders"]


def test_dvc_gets_one_file_per_cell(evaluated: Path) -> None:
    names = {"linear-2", "linear-3", "conv-2", "conv-3"}
    assert {path.stem for path in (evaluated / "results" / "cells").iterdir()} == names
    assert {path.stem for path in (evaluated / "results" / "curves").iterdir()} == names
    cell = json.loads((evaluated / "results" / "cells" / "conv-2.json").read_text())
    row = read_row(evaluated, "conv-2/seed-0")
    assert cell["frechet_distance"] == pytest.approx(row["frechet_distance"], abs=1e-4)
    assert cell["nll_500"] == pytest.approx(row["nll_500"], abs=1e-4)
    curve = (evaluated / "results" / "curves" / "conv-2.csv").read_text().splitlines()
    assert curve[0] == "epoch,elbo,reconstruction,kl"
    assert len(curve) == 3


def test_the_runs_records_hold_the_metrics_and_pictures(evaluated: Path) -> None:
    row = read_row(evaluated, "linear-3/seed-0")
    client = MlflowClient(f"sqlite:///{evaluated}/mlflow.db")
    record = client.get_run(row["run_id"])
    assert record.info.status == "FINISHED"
    assert record.data.metrics["test/elbo"] == pytest.approx(row["elbo"])
    found = {name.removeprefix("test/") for name in record.data.metrics if name[:5] == "test/"}
    assert found == set(METRICS) - PLANE_ONLY - AIS
    files = {file.path for file in client.list_artifacts(row["run_id"], "test")}
    assert files == {"test/reconstructions.png", "test/samples.png"}


def test_evaluating_again_does_nothing(evaluated: Path) -> None:
    before = times_of(evaluated / "results" / "runs")
    assert call(evaluate.main).output == "4 of 4 runs are up to date\n"
    assert times_of(evaluated / "results" / "runs") == before


@pytest.mark.slow
@pytest.mark.usefixtures("real_workers")
def test_only_what_is_stale_or_damaged_is_measured_again_to_the_same_bytes(
    evaluated: Path,
) -> None:
    before = results(evaluated)
    folder = evaluated / "results" / "runs"
    shutil.rmtree(evaluated / "kept")
    (folder / "linear-2" / "seed-0" / "metrics.json").write_text("{}")
    (folder / "linear-3" / "seed-0" / "evaluation.json").unlink()
    output = call(evaluate.main, "--workers", "1").output
    assert output.startswith("2 of 4 runs are up to date\n")
    assert "1/2  linear-2/seed-0" in output
    assert results(evaluated) == before, "a worker process gave another number"


def test_other_settings_data_or_names_are_another_result(
    evaluated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, (name, folder) = load_settings().evaluate, ("linear-2/seed-0", MODEL)
    data, card = load_prepared(PREPARED), load_judge_card(JUDGE)
    same = evaluation_fingerprint(name, folder, data.hash, card, settings, 1)
    assert finished_evaluation(evaluated / "results" / "runs" / name) == same
    other = settings.model_copy(update={"seed": 1})
    renamed = "linear-2/beta-1-seed-0"
    retrained = card.model_copy(update={"sha256": "of other weights"})
    more = card.settings.model_copy(update={"samples": card.settings.samples + 1})
    changed = {
        evaluation_fingerprint(name, folder, data.hash, card, other, 1),
        evaluation_fingerprint(name, folder, data.hash, card, settings, 2),
        evaluation_fingerprint(renamed, folder, data.hash, card, settings, 1),
        evaluation_fingerprint(name, folder, data.hash, retrained, settings, 1),
        evaluation_fingerprint(
            name, folder, data.hash, card.model_copy(update={"settings": more}), settings, 1
        ),
    }
    monkeypatch.setattr("pipeline.jobs.evaluation_task.PLAUSIBLE_QUANTILE", 0.1)
    changed.add(evaluation_fingerprint(name, folder, data.hash, card, settings, 1))
    assert len(changed | {same}) == 7


def test_another_judge_judges_again(trained: Path) -> None:
    change(trained, "train", architectures=["linear"], latent_dims=[2])
    call(evaluate.main)
    first = read_row(trained, "linear-2/seed-0")
    change(trained, "judge", seed=1)
    call(judge.main)
    assert "up to date" not in call(evaluate.main).output
    second = read_row(trained, "linear-2/seed-0")
    assert second["judge"] == load_judge_card(JUDGE).sha256 != first["judge"]
    for name in ("frechet_distance", "kernel_distance", "confidence"):
        assert second[name] != first[name]
    rest = [name for name, metric in METRICS.items() if metric.group in ("bound", "likelihood")]
    assert [second[name] for name in rest] == [first[name] for name in rest]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (JUDGE_CARD, None, "judge/judge.json: cannot be read: No such file or directory"),
        (JUDGE_WEIGHTS, b"", "judge/model.safetensors: is damaged: its hash does not match"),
        (JUDGE_CARD, b"{}", "judge/judge.json: does not describe a judge"),
    ],
)
def test_a_judge_that_cannot_be_used_is_reported_in_one_line(
    trained: Path, file: str, content: bytes | None, message: str
) -> None:
    path = trained / "judge" / file
    path.unlink() if content is None else path.write_bytes(content)
    result = CliRunner().invoke(evaluate.main, [])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.endswith("; train the judge again with `dvc repro judge`\n")
    assert result.stderr.count("\n") == 1
    assert not list((trained / "results").glob("*/*"))


def test_runs_that_left_the_grid_are_removed(evaluated: Path) -> None:
    change(evaluated, "train", latent_dims=[3])
    output = call(evaluate.main).output
    assert "not in the grid, and kept for another one: conv-2/seed-0, linear-2/seed-0" in output
    assert {path.name for path in (evaluated / "results/runs").iterdir()} == {"linear-3", "conv-3"}
    assert {path.stem for path in (evaluated / "results/cells").iterdir()} == {"linear-3", "conv-3"}


def test_what_the_pipeline_did_not_write_stays(evaluated: Path) -> None:
    folder = evaluated / "results"
    shutil.copytree(folder / "runs/linear-2/seed-0", folder / "runs/linear-2/seed-1")
    mine = [folder / name for name in ("runs/linear-2/notes.txt", "runs/conv-2/seed-0/notes.txt")]
    mine += [folder / name for name in ("cells/notes.json", "cells/conv-9.json", "curves/a.csv")]
    for path in mine:
        path.write_text("{}")
    change(evaluated, "train", latent_dims=[3])
    output = call(evaluate.main).output
    assert all(path.read_text() == "{}" for path in mine)
    assert (folder / "runs/linear-2/seed-1/metrics.json").exists()
    assert not (folder / "runs/linear-2/seed-0").exists()
    assert "conv-2/seed-0, linear-2/notes.txt, linear-2/seed-1" in output.splitlines()[-1]


def test_records_that_an_outage_cost_are_written_by_the_next_evaluation(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RecordsServer(trained, monkeypatch)
    finish = EvaluationJob.finish

    def stop_and_finish(*words: Any) -> str:
        server.is_down = True
        return finish(*words)

    monkeypatch.setattr(EvaluationJob, "finish", stop_and_finish)
    assert "has incomplete records for linear-2/seed-0, linear-3" in call(evaluate.main).stderr
    rows = [read_row(trained, run) for run in RUNS]
    server.is_down = False
    call(evaluate.main)
    for row in rows:
        metrics = server.client.get_run(row["run_id"]).data.metrics
        assert metrics["test/elbo"] == pytest.approx(row["elbo"])
    assert call(evaluate.main).stderr == ""


def test_a_model_trained_during_an_outage_keeps_its_run(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RecordsServer(trained, monkeypatch)
    change(trained, "train", architectures=["linear"], latent_dims=[2], epochs=3)
    begin, close = TrainingJob.begin, TrainingJob.close

    def stop_and_begin(*words: Any) -> Any:
        server.is_down = True
        return begin(*words)

    def start_and_close(*words: Any) -> None:
        server.is_down = False
        close(*words)

    monkeypatch.setattr(TrainingJob, "begin", stop_and_begin)
    monkeypatch.setattr(TrainingJob, "close", start_and_close)
    grids = set(server.children())
    call(train.main)
    call(evaluate.main)
    (new,) = [grid for grid in server.children() if grid not in grids]
    (run,) = server.children()[new]
    assert run.info.run_name == "linear-2/seed-0"
    assert {"train/elbo", "test/elbo"} <= set(run.data.metrics)
    assert sum(map(len, server.children().values())) == 1 + len(RUNS)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_evaluation_loses_nothing_that_was_finished(trained: Path) -> None:
    """SIGKILL in the middle; what was finished stays, also if its record was not written yet."""
    change(trained, "evaluate", nll_images=None, latent_samples=3000)  # tenths of a second a run
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "pipeline.stages.evaluate", "--workers", "1"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as process:
        wait_for(lambda: results(trained))
        process.send_signal(signal.SIGKILL)
    kept = results(trained)
    assert 0 < len({name.rpartition("/")[0] for name in kept}) < 4, "killed too late or too early"

    output = call(evaluate.main).output
    assert "of 4 runs are up to date" in output
    whole = results(trained)
    assert kept.items() <= whole.items()
    assert len(whole) == 4 * 3
    assert not list((trained / "results").rglob(".partial*"))
    client = MlflowClient(f"sqlite:///{trained}/mlflow.db")
    for run in RUNS:
        record = client.get_run(read_row(trained, run)["run_id"])
        assert "test/elbo" in record.data.metrics


def test_a_model_without_a_record_gets_one(trained: Path) -> None:
    path = trained / "models" / "linear-3" / "seed-0" / "config.json"
    path.write_text(path.read_text().replace('"run_id": "', '"run_id": "of another store '))
    change(trained, "train", architectures=["linear"], latent_dims=[3])
    call(evaluate.main)
    client = MlflowClient(f"sqlite:///{trained}/mlflow.db")
    run = client.search_runs(["1"])[0]  # the newest
    assert run.info.run_name == "linear-3/seed-0"
    assert run.info.status == "FINISHED"
    assert "test/elbo" in run.data.metrics


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("config.json", '"data_hash": "', '"data_hash": "0', "was trained on other data"),
        ("history.csv", "epoch", "a", "history.csv: is damaged"),
        ("config.json", "{", "[", "config.json: is not valid JSON"),
        ("config.json", '"epochs"', '"epoch"', "does not describe a run: settings.epochs"),
    ],
)
def test_a_model_that_cannot_be_used_is_reported_in_one_line(
    trained: Path, file: str, old: str, new: str, message: str
) -> None:
    change(trained, "train", architectures=["conv"], latent_dims=[2])
    path = trained / "models" / "conv-2" / "seed-0" / file
    path.write_text(path.read_text().replace(old, new))
    result = CliRunner().invoke(evaluate.main, [])
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list((trained / "results").glob("*/*"))

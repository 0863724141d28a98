"""Stage judge, as DVC calls it."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient

from pipeline.jobs.judge_fingerprint import judge_fingerprint
from pipeline.schemas.judge_card import load_judge_card
from pipeline.settings import load_settings
from pipeline.stages.judge import main
from tests.imports import ROOT
from tests.pipeline.stages.conftest import call, change, times_of


def test_the_stage_writes_and_records_a_judge(project: Path) -> None:
    steps = load_settings().judge.steps
    rate = load_settings().judge.learning_rate
    change(project, "judge", learning_rate=1e30)
    result = CliRunner().invoke(main, ["--threads", "1"])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: training of the judge diverged in epoch 1")
    assert not (project / "judge").exists()
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    assert [run.info.status for run in client.search_runs(["1"])] == ["FAILED"]

    change(project, "judge", learning_rate=rate)
    result = CliRunner().invoke(main, ["--threads", "1"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("test accuracy 100.00%, expected calibration error ")
    card = load_judge_card(project / "judge")
    assert card.threads == 1
    record = client.get_run(card.run_id)
    assert record.info.run_name == "judge"
    assert record.info.status == "FINISHED"
    assert record.data.params["steps"] == str(steps)
    assert record.data.metrics["test/accuracy"] == 1
    history = client.get_metric_history(card.run_id, "valid/accuracy")
    assert [metric.step for metric in history] == list(range(1, steps // 3 + 1))
    kept = {file.path for file in client.list_artifacts(card.run_id, "judge")}
    assert kept == {"judge/judge.json", "judge/model.safetensors"}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("samples", 639, "judge: samples = 639 must be at least 10 times feature_dim = 64"),
        ("feature_dim", 32, "judge.feature_dim = 32 must be at least 64"),
        ("batch_size", 1, "judge.batch_size = 1 must be at least 2"),
        ("channels", [], "judge.channels = [] must hold at least one value"),
        ("scaling", 1.0, "judge.scaling = 1.0 must be less than 1"),
        ("step", 5, "judge.step = 5 is not a known key; did you mean judge.steps?"),
    ],
)
def test_a_mistake_in_the_settings_is_reported_in_one_line(
    project: Path, key: str, value: object, message: str
) -> None:
    change(project, "judge", **{key: value})
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: params.yaml: {message}")
    assert result.stderr.count("\n") == 1
    assert not (project / "judge").exists()


def test_a_judge_is_trained_again_only_where_it_has_to_be(trained: Path) -> None:
    folder, client = trained / "judge", MlflowClient(f"sqlite:///{trained}/mlflow.db")

    def records() -> int:
        return len([run for run in client.search_runs(["1"]) if run.info.run_name == "judge"])

    before, weights = times_of(trained), (folder / "model.safetensors").read_bytes()
    assert call(main).output == "the judge is up to date\n"
    assert times_of(trained) == before, "an up-to-date judge was written or recorded"
    assert records() == 1

    (folder / "model.safetensors").write_bytes(weights[:1000])
    assert call(main).output.startswith("test accuracy ")
    assert (folder / "model.safetensors").read_bytes() == weights
    assert records() == 2

    change(trained, "judge", seed=1)
    assert call(main).output.startswith("test accuracy ")
    assert (folder / "model.safetensors").read_bytes() != weights
    assert load_judge_card(folder).settings.seed == 1
    assert call(main).output == "the judge is up to date\n"


def test_all_that_decides_a_judge_is_in_its_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(ROOT / "params.yaml").judge
    found = {
        judge_fingerprint(settings, "of the data", 1),
        judge_fingerprint(settings.model_copy(update={"seed": 1}), "of the data", 1),
        judge_fingerprint(settings, "of other data", 1),
        judge_fingerprint(settings, "of the data", 2),
    }
    assert judge_fingerprint(settings, "of the data", 1) in found
    monkeypatch.setattr("pipeline.jobs.judge_fingerprint.PLAUSIBLE_QUANTILE", 0.1)
    found.add(judge_fingerprint(settings, "of the data", 1))
    assert len(found) == 5

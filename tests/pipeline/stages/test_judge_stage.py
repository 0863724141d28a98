"""Stage judge, as DVC calls it."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from ruamel.yaml import YAML

from pipeline.schemas.judge_card import load_judge_card
from pipeline.settings import load_settings
from pipeline.stages.judge import main


def change(**values: object) -> None:
    """Change section judge of params.yaml."""
    yaml = YAML(typ="safe", pure=True)
    content = yaml.load(Path("params.yaml"))
    content["judge"] |= values
    yaml.dump(content, Path("params.yaml"))


def test_the_stage_writes_and_records_a_judge(project: Path) -> None:
    steps = load_settings().judge.steps
    rate = load_settings().judge.learning_rate
    change(learning_rate=1e30)
    result = CliRunner().invoke(main, ["--threads", "1"])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: training of the judge diverged in epoch 1")
    assert not (project / "judge").exists()
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    assert [run.info.status for run in client.search_runs(["1"])] == ["FAILED"]

    change(learning_rate=rate)
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
def test_a_mistake_in_the_settings_is_told_in_one_line(
    project: Path, key: str, value: object, message: str
) -> None:
    change(**{key: value})
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: params.yaml: {message}")
    assert result.stderr.count("\n") == 1
    assert not (project / "judge").exists()

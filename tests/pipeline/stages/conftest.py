"""A project whose judge and runs are trained, and one whose runs are measured too."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline.data.prepared import PreparedData
from pipeline.schemas.metrics import METRICS
from pipeline.stages import evaluate, judge, train
from tests.conftest import make_project, make_tiny_params

RUNS = ("linear-2/seed-0", "linear-3/seed-0", "conv-2/seed-0", "conv-3/seed-0")
PLANE_ONLY = {name for name in METRICS if name.startswith("grid_")}


def call(command: Any, *words: str) -> Result:
    result = CliRunner().invoke(command, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="session")
def trained_once(
    tmp_path_factory: pytest.TempPathFactory, prepared: PreparedData, empty_records: Path
) -> Path:
    """A project with judge and runs trained, for others to copy: starting workers takes seconds."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_project(folder, make_tiny_params(), prepared, empty_records, monkeypatch)
        call(judge.main)
        call(train.main, "--workers", "2")
    return folder


@pytest.fixture(scope="session")
def evaluated_once(trained_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with all runs measured."""
    folder = tmp_path_factory.mktemp("evaluated") / "project"
    with pytest.MonkeyPatch.context() as monkeypatch:
        enter_copy(trained_once, folder, monkeypatch)
        call(evaluate.main, "--workers", "2")
    return folder


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter_copy(trained_once, tmp_path / "project", monkeypatch)


@pytest.fixture
def evaluated(evaluated_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter_copy(evaluated_once, tmp_path / "project", monkeypatch)


def enter_copy(source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(source, folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder

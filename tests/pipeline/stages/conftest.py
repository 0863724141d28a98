"""A project whose judge and runs are trained, and one whose runs are measured too.

Work is done in this process, unless a test asks for ``real_workers``.
"""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from pipeline.data.prepared import PreparedData
from pipeline.runtime.workers import side_by_side
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.record import write_record
from pipeline.stages import evaluate, judge, train
from pipeline.stages.prepare import data_card
from tests.conftest import built_once, make_project, make_tiny_params
from tests.pipeline.jobs.in_process import one_after_another

RUNS = ("linear-2/seed-0", "linear-3/seed-0", "conv-2/seed-0", "conv-3/seed-0")
PLANE_ONLY = {name for name in METRICS if name.startswith("grid_")}
WORKERS = "pipeline.jobs.job.side_by_side"


def call(command: Any, *words: str) -> Result:
    result = CliRunner().invoke(command, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def change(project: Path, section: str, **values: Any) -> None:
    """Change a section of params.yaml, or the grid in section ``train``."""
    yaml = YAML(typ="safe", pure=True)
    content = yaml.load(project / "params.yaml")
    part = content[section]
    for name, value in values.items():
        (part["grid"] if name in part.get("grid", {}) else part)[name] = value
    yaml.dump(content, project / "params.yaml")


def read_row(project: Path, run: str) -> dict[str, Any]:
    row = json.loads((project / "results" / "runs" / run / "metrics.json").read_text())
    assert isinstance(row, dict)
    return row


def times_of(folder: Path) -> dict[Path, int]:
    """When each file below a folder was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")}


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until another process has done something; its start takes seconds."""
    deadline = time.monotonic() + 200
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WORKERS, one_after_another)


@pytest.fixture
def real_workers(in_this_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WORKERS, side_by_side)


@pytest.fixture(scope="session")
def trained_once(
    tmp_path_factory: pytest.TempPathFactory, prepared: PreparedData, empty_records: Path
) -> Path:
    """A project with judge and runs trained, for others to copy."""

    def build(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(WORKERS, one_after_another)
            make_project(folder, make_tiny_params(), prepared, empty_records, monkeypatch)
            write_record(folder / "data" / "prepared.json", data_card(prepared, "", ""))
            call(judge.main)
            call(train.main)

    return built_once(tmp_path_factory, "trained", build)


@pytest.fixture(scope="session")
def evaluated_once(trained_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with all runs measured."""

    def build(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(WORKERS, one_after_another)
            enter_copy(trained_once, folder, monkeypatch)
            call(evaluate.main)

    return built_once(tmp_path_factory, "evaluated", build)


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter_copy(trained_once, tmp_path / "project", monkeypatch)


@pytest.fixture
def evaluated(evaluated_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter_copy(evaluated_once, tmp_path / "project", monkeypatch)


def enter_copy(source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(source, folder, dirs_exist_ok=True)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder

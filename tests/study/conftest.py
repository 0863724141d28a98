"""A search that takes seconds, and what tests ask about it."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from click.testing import CliRunner, Result
from mlflow import MlflowClient
from mlflow.entities import Run
from ruamel.yaml import YAML

from pipeline.data.prepared import PreparedData
from study.cli import main
from study.search.schedule import Trial
from study.store.searches import all_trials
from tests.conftest import ROOT, built_once, make_project, make_tiny_params

URL = "sqlite:///study.db"
TRIALS = 8  # of the finished search

SPACE: list[dict[str, Any]] = [
    {"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"]},
    {"name": "latent_dim", "kind": "int", "low": 2, "high": 8},
    {"name": "beta", "kind": "float", "low": 0.5, "high": 2.0, "log": True},
    {"name": "width", "kind": "int", "low": 8, "high": 32, "when": {"architecture": "linear"}},
    {
        "name": "channels",
        "kind": "categorical",
        "choices": [4, 8],
        "when": {"architecture": "conv"},
    },
]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers, which are processes in another folder, import this code."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def searchable(project: Path) -> Path:
    """The small project of the other tests, with a space that fits it."""
    change_search(project, epochs=3, space=SPACE)
    return project


class WorkerInThisProcess:
    """In place of a worker's process: its command, run at once where the supervisor is."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        words = command[command.index("worker") :]
        self.pid = os.getpid()
        self._result = CliRunner().invoke(main, words, env=environment)
        self._looks = 0

    def poll(self) -> int | None:
        """The exit status at the second look, so that the supervisor deals with the end."""
        self._looks += 1
        return None if self._looks == 1 else self.wait()

    def wait(self) -> int:
        if self._result.exception and not isinstance(self._result.exception, SystemExit):
            raise self._result.exception
        return self._result.exit_code


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Spare the start of a process, of seconds, in a test that is not about processes."""
    threads = torch.get_num_threads()
    monkeypatch.setattr("study.workers.supervisor.start_process", WorkerInThisProcess)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # restored at the end
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def finished_search(
    tmp_path_factory: pytest.TempPathFactory, prepared: PreparedData, empty_records: Path
) -> Path:
    """A project whose search has two workers' ``TRIALS`` trials; its output is in ``log``.

    Starting processes takes longest in these tests: whoever needs a finished search copies this.
    """

    def build(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(ROOT))
            make_project(folder, make_tiny_params(), prepared, empty_records, patch)
            change_search(folder, epochs=3, space=SPACE)
            result = study("run", "--trials", str(TRIALS), "--workers", "2")
            assert result.exit_code == 0, result.output
            (folder / "log").write_text(result.output)

    return built_once(tmp_path_factory, "finished", build)


@pytest.fixture
def searched(finished_search: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished search, as the current folder."""
    shutil.copytree(finished_search, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def change_search(project: Path, **values: Any) -> None:
    yaml = YAML(typ="safe", pure=True)
    content = yaml.load(project / "params.yaml")
    content["search"] |= values
    yaml.dump(content, project / "params.yaml")


def study(*words: str) -> Result:
    """Run a command of `study` in this process; its workers are processes of their own."""
    return CliRunner().invoke(main, words, catch_exceptions=False)


def searches() -> list[str]:
    return optuna.get_all_study_names(URL)


def the_search(url: str = URL) -> optuna.Study:
    """The only search of a store."""
    (name,) = optuna.get_all_study_names(url)
    return optuna.load_study(study_name=name, storage=url)


def attempts(url: str = URL) -> list[optuna.trial.FrozenTrial]:
    return the_search(url).get_trials()


def trials(url: str = URL) -> list[Trial]:
    return all_trials(the_search(url))


def records(project: Path) -> list[Run]:
    """The searches' runs in MLflow."""
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    experiment = client.get_experiment_by_name("vae-study")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))

"""Fixtures: settings and data that are small enough to train in a second."""

import contextlib
import copy
import functools
import os
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch
from filelock import FileLock
from ruamel.yaml import YAML

from pipeline.data.prepared import PreparedData, Split, prepare, save_prepared
from pipeline.data.sources.official import Source
from pipeline.numerics.hardware import Hardware
from pipeline.runtime.tracking import MlflowClient  # this module configures MLflow first
from pipeline.schemas.where import MLFLOW_DATABASE
from pipeline.settings import DataSettings, RunSettings, Settings, load_settings, parse_settings

# The first example is slow, because it loads torch's kernels. No test asserts a duration.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# Tests run in parallel: with more threads than cores, training a tiny model takes 20 s in place
# of 1 s.
torch.set_num_threads(1)

# Messages show commands as they have to be typed: here, as if the environment were activated.
os.environ["VIRTUAL_ENV"] = sys.prefix

ROOT = Path(__file__).parents[1]

# Begins the reason for skipping a test if a program is missing.
NEEDS = "needs a program: "


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow tests, so that at the end no process waits for another one's."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Report how many tests were skipped because a program is missing, and how to install it."""
    missing: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        *_, reason = report.longrepr
        _, found, program = reason.partition(NEEDS)
        if found:
            missing[program] += 1
    for program, count in sorted(missing.items()):
        terminalreporter.write_line(f"{count} tests skipped, because they need {program}")


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """Return a folder that one process builds and all processes of a test run read."""
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    finished = folder.with_name(f"{name}.finished")
    with FileLock(folder.with_name(f"{name}.lock")):
        if not finished.exists():
            folder.mkdir()
            build(folder)
            finished.touch()
    return folder


MakeRun = Callable[..., RunSettings]


def read_params() -> dict[str, Any]:
    return copy.deepcopy(_read_params())


@functools.cache
def _read_params() -> dict[str, Any]:
    content = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


@pytest.fixture
def params() -> dict[str, Any]:
    """The content of the repository's params.yaml; tests may change it."""
    return read_params()


def make_tiny_params() -> dict[str, Any]:
    """Return settings of four runs that take a second in total."""
    params = read_params()
    train = params["train"]
    train["grid"] |= {"latent_dims": [2, 3], "seeds": [0]}
    train["model"] |= {"hidden": [16], "channels": [4], "conv_hidden": []}
    train |= {"epochs": 2, "batch_size": 32, "precision": "float32", "device": "cpu"}
    params["judge"] |= {"channels": [8], "steps": 30, "batch_size": 32, "samples": 640}
    params["evaluate"] |= {"latent_samples": 2, "samples": 9, "interpolations": 2, "grid_size": 5}
    params["evaluate"] |= {"nll_images": 5, "prior_samples": 200}
    return params


@pytest.fixture
def tiny_params() -> dict[str, Any]:
    """Settings of four runs that take a second in total; tests may change them."""
    return make_tiny_params()


@pytest.fixture
def tiny_settings(tiny_params: dict[str, Any]) -> Settings:
    return parse_settings(tiny_params)


@pytest.fixture
def make_run() -> MakeRun:
    """A function that returns a run's settings, with small default values."""
    first = next(iter(load_settings(ROOT / "params.yaml").runs.values()))
    small: dict[str, Any] = {
        "hidden": (16,),
        "channels": (4, 8),
        "conv_hidden": (),
        "epochs": 2,
        "batch_size": 16,
        "precision": "float32",
        "device": "cpu",
    }

    def make(**changes: Any) -> RunSettings:
        return RunSettings.model_validate(first.model_dump() | small | changes)

    return make


@pytest.fixture
def cpu() -> Hardware:
    return Hardware(torch.device("cpu"), "float32")


def make_blobs(count: int, side: int = 8) -> Source:
    """Return grey images of four classes: a bright quarter on noise."""
    random = np.random.default_rng(0)
    labels = np.arange(count, dtype=np.int64) % 4
    images = random.integers(0, 60, (count, side, side), dtype=np.uint8)
    half = side // 2
    for image, label in zip(images, labels, strict=True):
        top, left = half * (label // 2), half * (label % 2)
        image[top : top + half, left : left + half] += 180
    return Source(
        name="mnist-5k",
        classes=tuple("abcd"),
        train_images=images,
        train_labels=labels,
        test_images=None,
        test_labels=None,
        checksums={},
    )


@pytest.fixture(scope="session")
def prepared() -> PreparedData:
    """160 images of 8 x 8 pixels in four classes: 104 train, 16 valid, 40 test."""
    settings = DataSettings(
        name="mnist-5k", root=None, download=False, valid_fraction=0.1, test_fraction=0.25, seed=0
    )
    return prepare(make_blobs(160), settings)


@pytest.fixture
def train_split(prepared: PreparedData) -> Split:
    return prepared.splits["train"]


@pytest.fixture
def valid_split(prepared: PreparedData) -> Split:
    return prepared.splits["valid"]


@pytest.fixture(scope="session")
def empty_records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database without a run: creating its tables takes seconds, copying it does not."""

    def build(folder: Path) -> None:
        client = MlflowClient(f"sqlite:///{folder / MLFLOW_DATABASE}")
        client.search_experiments(max_results=1)
        # Away with the log beside it: what it holds goes into the file that is copied.
        with contextlib.closing(sqlite3.connect(folder / MLFLOW_DATABASE)) as database:
            database.execute("PRAGMA journal_mode=DELETE")

    return built_once(tmp_path_factory, "records", build) / MLFLOW_DATABASE


@pytest.fixture
def project(
    tmp_path: Path,
    tiny_params: dict[str, Any],
    prepared: PreparedData,
    empty_records: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The working directory, with params.yaml and a prepared file; records stay in it."""
    make_project(tmp_path, tiny_params, prepared, empty_records, monkeypatch)
    return tmp_path


def make_project(
    folder: Path,
    params: dict[str, Any],
    prepared: PreparedData,
    records: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copy(records, folder / MLFLOW_DATABASE)
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(params, file)
    save_prepared(folder / "data" / "prepared.safetensors", prepared)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

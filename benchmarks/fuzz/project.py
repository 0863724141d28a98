"""The small project that each input finds: settings, data, a finished search and its records."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from benchmarks.fuzz.attempt import Attempt
from benchmarks.fuzz.case import Case
from pipeline.data.prepared import prepare, save_prepared
from pipeline.data.sources.official import Source
from pipeline.settings import load_settings

ROOT = Path(__file__).parents[2]
TRIALS = 3
SIDE = 8  # pixels
SPACE: list[dict[str, Any]] = [
    {"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"]},
    {"name": "latent_dim", "kind": "int", "low": 2, "high": 8},
    {"name": "beta", "kind": "float", "low": 0.5, "high": 2.0, "log": True},
]


def make_project(folder: Path) -> None:
    """Create the project; its search takes seconds."""
    folder.mkdir()
    write_settings(folder / "params.yaml")
    settings = load_settings(folder / "params.yaml").data
    save_prepared(folder / "data" / "prepared.safetensors", prepare(_images(), settings))
    _study(folder, "run", "--trials", str(TRIALS), "--workers", "1", "--name", "first")
    _study(folder, "export")


def _study(folder: Path, *words: str) -> None:
    """Run a command in the project."""
    attempt = Attempt(Case("project", words), folder, folder.parent, longest=300)
    verdict = attempt.wait()
    if verdict.status != 0:
        raise RuntimeError(f"the project cannot be made: {verdict.stderr}")
    shutil.rmtree(folder)
    attempt.folder.rename(folder)
    attempt.remove()


def write_settings(path: Path) -> None:
    """Write the repository's settings with small models, few runs and a small space."""
    yaml = YAML(typ="safe", pure=True)
    content = yaml.load(ROOT / "params.yaml")
    train = content["train"]
    train["grid"] |= {"latent_dims": [2], "seeds": [0]}
    train["model"] |= {"hidden": [16], "channels": [4], "conv_hidden": []}
    train |= {"epochs": 1, "batch_size": 32, "precision": "float32", "device": "cpu"}
    content["search"] |= {"space": SPACE, "trials": TRIALS, "epochs": 1, "confirm": 0}
    content["judge"] |= {"channels": [8], "steps": 30, "batch_size": 32, "samples": 640}
    yaml.dump(content, path)


def _images() -> Source:
    """Random grey images of four classes."""
    random = np.random.default_rng(0)
    return Source(
        name="mnist-5k",
        classes=tuple("abcd"),
        train_images=random.integers(0, 256, (160, SIDE, SIDE), dtype=np.uint8),
        train_labels=np.arange(160, dtype=np.int64) % 4,
        test_images=None,
        test_labels=None,
        checksums={},
    )

"""A small copy of the project, in which a search takes seconds, and its processes."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from ruamel.yaml import YAML

SPACE: list[dict[str, Any]] = [
    {"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"]},
    {"name": "latent_dim", "kind": "int", "low": 2, "high": 16},
    {"name": "learning_rate", "kind": "float", "low": 0.001, "high": 0.01, "log": True},
    {"name": "width", "kind": "int", "low": 64, "high": 256, "when": {"architecture": "linear"}},
    {"name": "channels", "kind": "categorical", "choices": [4], "when": {"architecture": "conv"}},
]
EPOCHS = 6
Process = subprocess.Popen[bytes]


@dataclass(slots=True)
class Report:
    """What one scenario did and found.

    Attributes:
        kills: how often each kind of disturbance happened.
        problems: what was wrong afterwards.
        notes: what else there is to say.
    """

    kills: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Task:
    """What a scenario may do.

    Attributes:
        root: the project's folder.
        place: an empty folder for its copies.
        kills: how many disturbances.
        chance: decides when and what.
        seconds: how long to disturb; preparing and checking are not counted.
    """

    root: Path
    place: Path
    kills: int
    chance: random.Random
    seconds: float
    _until: float | None = field(default=None, init=False)

    def goes_on(self, report: Report) -> bool:
        """Whether there is something left to do, and time for it, which begins with this call."""
        if self._until is None:
            self._until = time.monotonic() + self.seconds
        return report.kills.total() < self.kills and time.monotonic() < self._until


Scenario = Callable[[Task], Report]


class Project:
    """A copy of the project's tracked files with small settings, and its prepared data.

    Args:
        root: the project's folder.
        place: folder to create.
        server: address of an MLflow server; by default records are kept in the folder.
    """

    def __init__(self, root: Path, place: Path, server: str = "") -> None:
        self.place = place
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("MLFLOW_TRACKING_URI", "VAE_STORAGE", "VAE_WORKERS")
        } | {"PYTHONPATH": str(place), "OMP_NUM_THREADS": "1"}
        if server:
            self.environment["MLFLOW_TRACKING_URI"] = server
        tracked = subprocess.check_output(["git", "ls-files", "-z"], cwd=root, text=True)
        for name in tracked.rstrip("\0").split("\0"):
            if (root / name).is_file():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, place / name)
        yaml = YAML(typ="safe", pure=True)
        content = yaml.load(place / "params.yaml")
        reduce_settings(content)
        yaml.dump(content, place / "params.yaml")
        git = ["git", "-c", "user.name=kills", "-c", "user.email=kills@localhost"]
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
            subprocess.run([*git, *words], cwd=place, check=True)
        self.run_module("pipeline.stages.prepare").check_returncode()

    @property
    def log(self) -> Path:
        """Everything that its processes have printed."""
        return self.place / "log"

    def start(self, *words: str, environment: dict[str, str] | None = None) -> Process:
        """Start `study` with these words."""
        return self._start([sys.executable, "-m", "study", *words], environment or {})

    def start_pipeline(self) -> Process:
        """Start `dvc repro`."""
        found = str(Path(sys.executable).parent)
        path = {"PATH": f"{found}{os.pathsep}{self.environment['PATH']}"}
        return self._start([sys.executable, "-m", "dvc", "repro"], path)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `study` with these words to its end."""
        return self.run_module("study", *words)

    def run_module(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a module with these words to its end."""
        command = [sys.executable, "-m", *words]
        return subprocess.run(
            command, cwd=self.place, env=self.environment, capture_output=True, text=True
        )

    def _start(self, command: list[str], environment: dict[str, str]) -> Process:
        with self.log.open("a") as log:
            return subprocess.Popen(
                command,
                cwd=self.place,
                env=self.environment | environment,
                stdout=log,
                stderr=log,
            )


def reduce_settings(content: dict[str, Any]) -> None:
    """Make everything small, except the search's trials, which kills should hit."""
    train = content["train"]
    train["grid"] |= {"architectures": ["linear"], "latent_dims": [2], "seeds": [0, 1, 2]}
    train["model"] |= {"hidden": [16], "channels": [4], "conv_hidden": []}
    train |= {"epochs": 2, "precision": "float32", "device": "cpu"}
    content["judge"] |= {"channels": [8], "steps": 30, "samples": 640}
    content["evaluate"] |= {
        "latent_samples": 2,
        "nll_images": 5,
        "prior_samples": 200,
        "samples": 9,
        "interpolations": 2,
        "grid_size": 5,
    }
    content["search"] |= {"trials": 4, "space": SPACE, "epochs": EPOCHS, "confirm": 2}


def family(process: Process) -> list[psutil.Process]:
    """A process and everything that it started, the youngest last."""
    try:
        leader = psutil.Process(process.pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(victims: list[psutil.Process]) -> None:
    """Kill at once, without a chance to clean up."""
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.kill()


def kill_family(process: Process) -> None:
    """Kill a process with everything that it started."""
    kill(family(process))
    process.wait()

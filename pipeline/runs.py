"""One training run from the prepared file to its model folder."""

import csv
import hashlib
import importlib.metadata
import inspect
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch

from pipeline import elbo, hardware, likelihoods, models, training
from pipeline.data import PreparedData, load_prepared
from pipeline.files import replacing_folder
from pipeline.hardware import Hardware, resolve_hardware, seeded_generator
from pipeline.models import ImageShape, build_model, initialise, load_config, save_model
from pipeline.protocol import Protocol
from pipeline.settings import RunSettings
from pipeline.training import EpochReport, fit, train_epochs

HISTORY = "history.csv"
HISTORY_FIELDS = (
    "epoch",
    "split",
    "elbo",
    "reconstruction",
    "kl",
    "loss",
    "seconds",
    "learning_rate",
)

# A run is up to date as long as these say the same; the rest of the code cannot change its result.
_DECISIVE_MODULES = (likelihoods, elbo, models, training, hardware)


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """All that a worker needs to train one run.

    Attributes:
        name: the run's folder under ``models/``, such as ``linear-2/seed-0``.
        settings: of the run.
        data_path: the prepared file.
        folder: where the model folder goes.
        threads: of the arithmetic; another number rounds differently.
        run_id: the tracker's name of the run, for the record.
    """

    name: str
    settings: RunSettings
    data_path: Path
    folder: Path
    threads: int = 1
    run_id: str = ""


def train_run(task: TrainingTask, tell: Callable[[EpochReport], None]) -> dict[str, Any]:
    """Train one run and write its model folder, whole or not at all.

    Args:
        task: what to train.
        tell: called with each epoch's report.

    Returns:
        What ``config.json`` holds.
    """
    torch.set_num_threads(task.threads)
    data = _load_training_data(task.data_path)
    settings = task.settings
    machine = resolve_hardware(settings.device, settings.precision)
    train, valid = data.splits["train"], data.splits["valid"]
    shape = ImageShape(*data.image_shape)

    model = build_model(settings, shape)
    mean_image = train.images.float().mean(0) / 255
    initialise(model, mean_image, seeded_generator(settings.seed, "initialisation"))
    reports = train_epochs(model, settings, train, valid, machine)
    result = fit(model, reports, settings, tell)

    config = {
        "run": task.name,
        "settings": settings.model_dump(mode="json"),
        "protocol": training_protocol(settings, data, machine).as_dict(),
        "data_hash": data.hash,
        "fingerprint": fingerprint(settings, data.hash, machine),
        "parameters": model.parameter_count,
        "epochs": len(result.history),
        "chosen_epoch": result.chosen.epoch,
        "stopped_early": result.stopped_early,
        "train_seconds": round(result.history[-1].seconds, 3),
        "hardware": {"device": str(machine.device), "threads": task.threads},
        "versions": versions(),
        "commit": git_commit(),
        "run_id": task.run_id,
    }
    with replacing_folder(task.folder) as folder:
        save_model(folder, model, shape, config)
        _write_history(folder / HISTORY, result.history)
    return config


@cache
def _load_training_data(path: Path) -> PreparedData:
    """Once a worker, not once a run; the test split stays on the disk."""
    return load_prepared(path, splits=("train", "valid"))


def training_protocol(settings: RunSettings, data: PreparedData, machine: Hardware) -> Protocol:
    """The protocol of the numbers in a run's history: those of the validation split."""
    return Protocol(
        data=data.name,
        split="valid",
        split_hash=data.splits["valid"].hash,
        likelihood=settings.likelihood,
        binarisation=settings.binarisation,
        checkpoint=settings.checkpoint,
        precision=machine.precision,
    )


def fingerprint(settings: RunSettings, data_hash: str, machine: Hardware) -> str:
    """A hash of everything that decides a run's result on one machine."""
    sources = "".join(inspect.getsource(module) for module in _DECISIVE_MODULES)
    content = {
        "settings": settings.model_dump(mode="json"),
        "data": data_hash,
        "hardware": [machine.device.type, machine.precision],
        "code": hashlib.sha256(sources.encode()).hexdigest(),
        "torch": torch.__version__,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def is_up_to_date(folder: Path, expected: str) -> bool:
    """Whether the folder holds a finished run with this fingerprint."""
    if not all((folder / name).is_file() for name in (models.WEIGHTS, models.CONFIG, HISTORY)):
        return False
    try:
        return bool(load_config(folder).get("fingerprint") == expected)
    except models.ModelError:
        return False


def _write_history(path: Path, history: tuple[EpochReport, ...]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HISTORY_FIELDS)
        for report in history:
            for split, terms in (("train", report.train), ("valid", report.valid)):
                writer.writerow(
                    [
                        report.epoch,
                        split,
                        *terms,
                        round(report.seconds, 3),
                        report.learning_rate,
                    ]
                )


@cache
def versions() -> dict[str, str]:
    """Versions of the project and of the libraries that decide its numbers."""
    names = ("vae-study", "torch", "numpy", "safetensors")
    return {name: importlib.metadata.version(name) for name in names}


@cache
def git_commit() -> str:
    """The commit of the code, with ``+changes`` where files differ from it; empty outside git."""

    def git(*words: str) -> str:
        folder = Path(__file__).parent
        answer = subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, check=True
        )
        return answer.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""

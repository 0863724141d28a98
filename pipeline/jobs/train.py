"""One training run from the prepared file to its model folder."""

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

import pipeline.data
import pipeline.models
import pipeline.numerics
import pipeline.training
from pipeline.data.prepared import PreparedData, load_prepared
from pipeline.errors import UserError
from pipeline.files import replacing_folder
from pipeline.models import (
    VAE,
    ImageShape,
    save_weights,
)
from pipeline.numerics.hardware import Hardware, resolve_hardware
from pipeline.runtime.code_version import source_hash, versions
from pipeline.schemas.protocol import Protocol
from pipeline.schemas.run_card import (
    FORMAT,
    HISTORY,
    WEIGHTS,
    ImageSize,
    ModelError,
    RunCard,
    file_sha256,
    load_whole_card,
    save_card,
)
from pipeline.settings import RunSettings
from pipeline.training.loop import EpochReport, Fit, fit, train_epochs
from pipeline.training.start import new_model

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

CODE = source_hash(pipeline.data, pipeline.numerics, pipeline.models, pipeline.training)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run that is to be there, and the fingerprint that it is to have."""

    settings: RunSettings
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a run came from, for its card.

    Attributes:
        fingerprint: of all that decides its result; see ``fingerprint``.
        commit: of the code.
        threads: of the arithmetic; another number rounds differently.
        run_id: the tracker's name of the run.
    """

    fingerprint: str
    commit: str = ""
    threads: int = 1
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """All that a worker needs to train one run.

    Attributes:
        name: the run's folder under ``models/``, such as ``linear-2/seed-0``.
        settings: of the run.
        data_path: the prepared file.
        folder: where the model folder goes.
        origin: its fingerprint is what the caller expects the run to be.
    """

    name: str
    settings: RunSettings
    data_path: Path
    folder: Path
    origin: Origin


def train_run(task: TrainingTask, tell: Callable[[EpochReport], None]) -> RunCard:
    """Train one run and write its model folder, whole or not at all.

    Args:
        task: what to train.
        tell: called with each epoch's report.

    Returns:
        What the folder's ``config.json`` holds.

    Raises:
        UserError: if code or data changed since the task was made.
    """
    torch.set_num_threads(task.origin.threads)
    torch.backends.cudnn.allow_tf32 = False  # a third precision that no protocol names
    data = _load_training_data(task.data_path)
    settings = task.settings
    machine = resolve_hardware(settings.device, settings.precision)
    found = fingerprint(settings, data.hash, machine, task.origin.threads)
    if found != task.origin.fingerprint:
        raise UserError(
            f"{task.name}: code or data changed after training began; run `dvc repro` again"
        )
    train, valid = data.splits["train"], data.splits["valid"]
    model = new_model(settings, data)
    reports = train_epochs(model, settings, train, valid, machine)
    result = fit(model, reports, settings, tell)

    with replacing_folder(task.folder) as folder:
        return save_run(folder, model, result, settings, data, machine, task.origin)


def save_run(
    folder: Path,
    model: VAE,
    result: Fit,
    settings: RunSettings,
    data: PreparedData,
    machine: Hardware,
    origin: Origin,
) -> RunCard:
    """Write weights, history and card of a trained run into an existing folder.

    Returns:
        The card, ``config.json``.
    """
    _write_history(folder / HISTORY, result.history)
    save_weights(folder, model)
    shape = ImageShape(*data.image_shape)
    card = RunCard(
        settings=settings,
        image=ImageSize(height=shape.height, width=shape.width),
        protocol=training_protocol(settings, data, machine),
        data_hash=data.hash,
        fingerprint=origin.fingerprint,
        parameters=model.parameter_count,
        epochs=len(result.history),
        chosen_epoch=result.chosen.epoch,
        stopped_early=result.stopped_early,
        train_seconds=round(result.history[-1].seconds, 3),
        device=machine.device.type,
        threads=origin.threads,
        versions=versions(),
        commit=origin.commit,
        run_id=origin.run_id,
        sha256={name: file_sha256(folder / name) for name in (HISTORY, WEIGHTS)},
    )
    save_card(folder, card)
    return card


def _load_training_data(path: Path) -> PreparedData:
    """The test split stays on the disk. Once a worker, not once a run, unless the file changes."""
    return _load_once(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=1)
def _load_once(path: Path, changed: int) -> PreparedData:
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
        arithmetic=machine.precision,
    )


def fingerprint(settings: RunSettings, data_hash: str, machine: Hardware, threads: int) -> str:
    """A hash of everything that decides a run's result on one machine."""
    content = {
        "format": FORMAT,
        "settings": settings.model_dump(mode="json"),
        "data": data_hash,
        "hardware": [machine.device.type, machine.precision, threads],
        "code": CODE,
        "torch": torch.__version__,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def finished_fingerprint(folder: Path) -> str | None:
    """The fingerprint of the whole and undamaged run in a folder; None if there is none."""
    try:
        return load_whole_card(folder).fingerprint
    except ModelError:
        return None


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

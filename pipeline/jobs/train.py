"""Train one run in a worker process, from the prepared file to its model folder."""

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
from pipeline.models import VAE, ImageShape, save_weights
from pipeline.numerics.hardware import Hardware, resolve_hardware
from pipeline.runtime.code_version import versions
from pipeline.schemas.fingerprint import file_sha256, fingerprint_of, source_hash
from pipeline.schemas.record import write_record
from pipeline.schemas.run_card import (
    CONFIG,
    FORMAT,
    HISTORY,
    WEIGHTS,
    ImageSize,
    RunCard,
)
from pipeline.schemas.tables import EPOCHS
from pipeline.settings import RunSettings
from pipeline.training.loop import EpochReport, Fit
from pipeline.training.run import train_model, training_protocol

# The packages whose code decides a run's result.
DECIDED_BY = (pipeline.data, pipeline.numerics, pipeline.models, pipeline.training)
CODE = source_hash(*DECIDED_BY)


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """A run to train, and what its card records about its origin.

    Attributes:
        name: the run's name, such as ``linear-2/seed-0``.
        settings: the run's settings.
        folder: the model folder to write.
        fingerprint: hash of everything that decides the result; see ``fingerprint``.
        threads: number of threads for computation; a different number changes the rounding.
        commit: commit of the code.
        run_id: the tracker's ID of the run, or its reference to a run that has none yet.
    """

    name: str
    settings: RunSettings
    folder: Path
    fingerprint: str
    threads: int = 1
    commit: str = ""
    run_id: str = ""


def training_task(
    name: str, settings: RunSettings, folder: Path, data_hash: str, threads: int = 1
) -> TrainingTask:
    """Return the task that trains a run on this machine."""
    machine = resolve_hardware(settings.device, settings.precision)
    wanted = fingerprint(settings, data_hash, machine, threads)
    return TrainingTask(name, settings, folder, wanted, threads)


def train_run(task: TrainingTask, tell: Callable[[EpochReport], None], data_path: Path) -> RunCard:
    """Train one run and write its model folder atomically.

    Args:
        task: the run to train.
        tell: called with each epoch's report.
        data_path: the prepared file.

    Returns:
        The content of the folder's ``config.json``.

    Raises:
        UserError: if code or data have changed since the task was created.
    """
    torch.set_num_threads(task.threads)
    data = _load_training_data(data_path)
    settings = task.settings
    machine = resolve_hardware(settings.device, settings.precision)
    if fingerprint(settings, data.hash, machine, task.threads) != task.fingerprint:
        raise UserError(
            f"{task.name}: code or data changed after training began; run `dvc repro` again"
        )
    model, result = train_model(settings, data, machine, tell)
    with replacing_folder(task.folder) as folder:
        return save_run(folder, task, model, result, data, machine)


def save_run(
    folder: Path,
    task: TrainingTask,
    model: VAE,
    result: Fit,
    data: PreparedData,
    machine: Hardware,
) -> RunCard:
    """Write the weights, history and card of a trained run into an existing folder.

    Returns:
        The content of ``config.json``.
    """
    (folder / HISTORY).write_text(_history(result.history), encoding="utf-8")
    save_weights(folder, model)
    shape = ImageShape(*data.image_shape)
    card = RunCard(
        settings=task.settings,
        image=ImageSize(height=shape.height, width=shape.width),
        protocol=training_protocol(task.settings, data, machine),
        data_hash=data.hash,
        fingerprint=task.fingerprint,
        parameters=model.parameter_count,
        epochs=len(result.history),
        chosen_epoch=result.chosen.epoch,
        stopped_early=result.stopped_early,
        train_seconds=round(result.history[-1].seconds, 3),
        device=machine.device.type,
        threads=task.threads,
        versions=versions(),
        commit=task.commit,
        run_id=task.run_id,
        sha256={name: file_sha256(folder / name) for name in (HISTORY, WEIGHTS)},
    )
    write_record(folder / CONFIG, card)  # written last
    return card


def _load_training_data(path: Path) -> PreparedData:
    """Load all but the test split once per worker, not once per run, unless the file changes."""
    return _load_once(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=1)
def _load_once(path: Path, changed: int) -> PreparedData:
    return load_prepared(path, splits=("train", "valid"))


def fingerprint(settings: RunSettings, data_hash: str, machine: Hardware, threads: int) -> str:
    """Return a hash of everything that decides a run's result on one machine."""
    return fingerprint_of(
        {
            "format": FORMAT,
            "settings": settings.model_dump(mode="json"),
            "data": data_hash,
            "hardware": [machine.device.type, machine.precision, threads],
            "code": CODE,
            "torch": torch.__version__,
        }
    )


def _history(reports: tuple[EpochReport, ...]) -> str:
    """Return the content of ``history.csv``, two rows per epoch."""
    return EPOCHS.to_csv(
        {
            "epoch": report.epoch,
            "split": split,
            **terms._asdict(),
            "seconds": round(report.seconds, 3),
            "learning_rate": report.learning_rate,
        }
        for report in reports
        for split, terms in (("train", report.train), ("valid", report.valid))
    )

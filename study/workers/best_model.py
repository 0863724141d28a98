"""The model of a trial that is the best so far, left in its record."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import PreparedData, Split
from pipeline.evaluation.bound import estimate_bound
from pipeline.evaluation.pictures import as_bytes, decode, images_to_show, write_sheets
from pipeline.jobs.train import TrainingTask, fingerprint, save_run
from pipeline.models import VAE
from pipeline.numerics.hardware import seeded_generator
from pipeline.settings import RunSettings
from study.search.trial import Training

if TYPE_CHECKING:
    from pipeline.runtime.tracking import MlflowRecord

SHOWN, DRAWN = 10, 64  # validation images and samples in the pictures


def keep_model(
    record: "MlflowRecord", trial: str, training: Training, data: PreparedData, commit: str
) -> None:
    """Record a training's weights and history, and pictures of its model.

    Args:
        record: the trial's run.
        trial: the trial's name.
        training: a finished one; its model moves to the CPU.
        data: with the splits ``train`` and ``valid``.
        commit: of the code.
    """
    model, run, hardware = training.model.cpu().eval(), training.run, training.hardware
    wanted = fingerprint(run, data.hash, hardware, threads=1)
    with tempfile.TemporaryDirectory(prefix="vae-study-") as temporary:
        folder = Path(temporary)
        task = TrainingTask(
            name=trial,
            settings=run,
            folder=folder,
            fingerprint=wanted,
            threads=1,
            commit=commit,
            run_id=record.reference,
        )
        save_run(folder, task, model, training.fit, data, hardware)
        record.log_files(folder, "model")
    with tempfile.TemporaryDirectory(prefix="vae-study-") as temporary:
        write_sheets(Path(temporary), _pictures(model, run, data.splits["valid"]))
        record.log_files(Path(temporary), "valid")


def _pictures(model: VAE, run: RunSettings, valid: Split) -> dict[str, np.ndarray]:
    """Validation images with their reconstructions, and samples; the test split stays unseen."""
    shown = images_to_show(valid.labels.numpy(), SHOWN, seed=0)
    images = model_inputs(valid, run.binarisation)[shown]
    bound = estimate_bound(model, images, 1, seeded_generator(0, "evaluation"), SHOWN)
    return {
        "originals": valid.images[shown].numpy(),
        "inputs": as_bytes(images),
        "reconstructions": decode(model, bound.mu),
        "samples": as_bytes(model.sample(DRAWN, seeded_generator(0, "pictures"))),
    }

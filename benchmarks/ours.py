"""Training with this project, as the benchmarks measure it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import Split, load_prepared
from pipeline.numerics.hardware import resolve_hardware, seeded_generator
from pipeline.settings import RunSettings
from pipeline.training.loop import EpochReport, fit, train_epochs, validate
from pipeline.training.run import new_model


@dataclass(frozen=True, slots=True)
class Training:
    """A training run.

    Attributes:
        run: its settings.
        data: the prepared file.
        threads: number of threads.
        images: largest number of training images.
        valid_images: largest number of validation images.
    """

    run: RunSettings
    data: Path
    threads: int
    images: int | None = None
    valid_images: int | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """The result of a training run.

    Attributes:
        epoch_ends: times at which each epoch ended, including validation.
        seconds: from the data in memory to the trained model, including its construction.
        valid_elbo: final validation ELBO.
        test_loss: -ELBO in nats per test image, if requested.
        images: number of training images.
    """

    epoch_ends: list[float]
    seconds: float
    valid_elbo: float
    test_loss: float | None
    images: int


def train(task: Training, tell: Callable[[float], None]) -> Trained:
    """Train, and report the time at the end of each epoch."""
    return _train(task, tell, test=False)


def train_and_test(task: Training, tell: Callable[[float], None]) -> Trained:
    """Train, then measure the test split once."""
    return _train(task, tell, test=True)


def _train(task: Training, tell: Callable[[float], None], *, test: bool) -> Trained:
    torch.set_num_threads(task.threads)
    prepared = load_prepared(task.data)
    train_split = part(prepared.splits["train"], task.images)
    valid = part(prepared.splits["valid"], task.valid_images)
    machine = resolve_hardware(task.run.device, task.run.precision)
    start = time.perf_counter()
    model = new_model(task.run, prepared)
    ends = []

    def note(report: EpochReport) -> None:
        ends.append(time.time())
        tell(ends[-1])

    reports = train_epochs(model, task.run, train_split, valid, machine)
    result = fit(model, reports, task.run, note)
    seconds = time.perf_counter() - start
    loss = None
    if test:
        images = model_inputs(prepared.splits["test"], task.run.binarisation)
        generator = seeded_generator(task.run.seed, "evaluation")
        noise = torch.randn(len(images), task.run.latent_dim, generator=generator)
        loss = -validate(model, task.run, images, noise).elbo
    return Trained(ends, seconds, result.history[-1].valid.elbo, loss, len(train_split.images))


def part(split: Split, count: int | None) -> Split:
    """Return the first images of a split, or all of them for None."""
    some = slice(0, count)
    return Split(split.images[some], split.binarised[some], split.labels[some], split.hash)


def images_per_second(trained: list[Trained]) -> float:
    """Return the total throughput of parallel runs, without the first epoch of each.

    The time is measured from the earliest end of a first epoch to the latest end of a last one.
    """
    images = sum((len(one.epoch_ends) - 1) * one.images for one in trained)
    ends = [end for one in trained for end in one.epoch_ends[1:]]
    return images / (max(ends) - min(one.epoch_ends[0] for one in trained))

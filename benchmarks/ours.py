"""Training by the project, as the benchmarks measure it."""

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
from pipeline.training.start import new_model


@dataclass(frozen=True, slots=True)
class Training:
    """A run to train.

    Attributes:
        run: its settings.
        data: the prepared file.
        threads: of the arithmetic.
        images: how many to train on, at most.
        valid_images: how many to validate on, at most.
    """

    run: RunSettings
    data: Path
    threads: int
    images: int | None = None
    valid_images: int | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it.

    Attributes:
        epoch_ends: times at which each epoch ended, validation included.
        seconds: from the data in memory to the trained model, its making included.
        valid_elbo: at the end.
        test_loss: -ELBO in nats per test image, if it was asked for.
        images: that it trained on.
    """

    epoch_ends: list[float]
    seconds: float
    valid_elbo: float
    test_loss: float | None
    images: int


def train(task: Training, tell: Callable[[float], None]) -> Trained:
    """Train, and tell the time at each epoch's end."""
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
    """The first images of a split; all of them for None."""
    some = slice(0, count)
    return Split(split.images[some], split.binarised[some], split.labels[some], split.hash)


def images_per_second(trained: list[Trained]) -> float:
    """Of runs side by side, all together, without each one's first epoch.

    The time is that from the earliest end of a first epoch to the latest end of a last one.
    """
    images = sum((len(one.epoch_ends) - 1) * one.images for one in trained)
    ends = [end for one in trained for end in one.epoch_ends[1:]]
    return images / (max(ends) - min(one.epoch_ends[0] for one in trained))

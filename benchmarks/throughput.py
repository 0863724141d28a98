"""Training throughput of worker processes against one process on all cores: `make throughput`.

Both train the same runs in turn, several rounds, so that the ratio holds on a machine whose speed
drifts. The clock of a round starts at its first epoch report, when the workers have started.
"""

import os
import statistics
import time
from collections.abc import Callable

import click
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.anchors import grey_splits
from pipeline.hardware import resolve_hardware, seeded_generator
from pipeline.models import ImageShape, build_model, initialise
from pipeline.settings import RunSettings, load_settings
from pipeline.training import train_epochs
from pipeline.workers import Failure, Message, side_by_side

Task = tuple[RunSettings, int]  # a run and its number of threads


def train_timed(task: Task, tell: Callable[[float], None]) -> None:
    """Tell the time after each epoch."""
    run, threads = task
    torch.set_num_threads(threads)
    train, valid = grey_splits()
    model = build_model(run, ImageShape(*train.images.shape[1:]))
    mean_image = train.images.float().mean(0) / 255
    initialise(model, mean_image, seeded_generator(run.seed, "initialisation"))
    machine = resolve_hardware(run.device, run.precision)
    for _ in train_epochs(model, run, train, valid, machine):
        tell(time.time())


def images_per_second(run: RunSettings, workers: int, threads: int) -> float:
    """Images a second, summed over the workers; each from its first to its last epoch's end."""
    tasks: list[Task] = [
        (run.model_copy(update={"seed": seed}), threads) for seed in range(workers)
    ]
    ends: dict[int, list[float]] = {}
    for event in side_by_side(train_timed, tasks, workers):
        if isinstance(event, Failure):
            raise event.error
        if isinstance(event, Message):
            ends.setdefault(event.task[0].seed, []).append(event.content)
    return sum((len(times) - 1) * 4000 / (times[-1] - times[0]) for times in ends.values())


@click.command()
@click.option("--rounds", default=3, show_default=True)
@click.option("--epochs", default=6, show_default=True)
def main(rounds: int, epochs: int) -> None:
    """Print medians and the ratio of both ways, for the default linear and conv model."""
    cores = len(os.sched_getaffinity(0))
    settings = load_settings()
    table = Table(title=f"Training throughput on {cores} cores, images a second")
    for heading in ("model", f"{cores} workers", f"1 process, {cores} threads", "ratio"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for architecture in ("linear", "conv"):
        first = next(iter(settings.runs.values())).model_dump()
        changes = {"architecture": architecture, "latent_dim": 10, "epochs": epochs}
        run = RunSettings.model_validate(first | changes)
        side, alone = [], []
        for _ in range(rounds):
            side.append(images_per_second(run, cores, 1))
            alone.append(images_per_second(run, 1, cores))
        ratios = [a / b for a, b in zip(side, alone, strict=True)]
        table.add_row(
            f"{architecture}-10",
            f"{statistics.median(side):,.0f}",
            f"{statistics.median(alone):,.0f}",
            f"{statistics.median(ratios):.2f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()

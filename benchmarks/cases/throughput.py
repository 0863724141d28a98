"""Lines a and b: training throughput in images per second, on all cores."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.context import COMPARED, Context, alone, run_settings, together, train_images
from benchmarks.ours import Training, images_per_second, train
from benchmarks.rows import OURS, Row

Architecture = Literal["linear", "conv"]
# The peers use the usual 128. `quality` shows what models reach with these batch sizes.
BATCHES: dict[Architecture, int] = {"linear": 1024, "conv": 512}
TRAIN, VALID = 59000, 1000  # MNIST images for training, and for validation after each epoch
SOME: dict[Architecture, int] = {"linear": TRAIN, "conv": 20000}  # images used here
TARGETS = {"linear": ("a", 8.0), "conv": ("b", 2.5)}


@dataclass(frozen=True, slots=True)
class PeerTask:
    """One training run of a peer."""

    architecture: Architecture
    data: Path
    epochs: int
    images: int
    seed: int = 0


def plain_torch(task: PeerTask, tell: Callable[[Any], None]) -> float:
    """Measure one process with torch's default threads, without the first epoch, as ours."""
    from benchmarks.peers import plain_torch as peer

    epochs = list(
        peer.train(task.architecture, task.data, task.epochs, task.seed, images=task.images)
    )
    seconds = epochs[-1].train_seconds - epochs[0].train_seconds
    return (task.epochs - 1) * task.images / seconds


def pythae(task: PeerTask, tell: Callable[[Any], None]) -> float:
    """Measure its BaseTrainer in the same way."""
    from benchmarks.peers import pythae as peer

    images = train_images(task.data)[: task.images]
    return peer.images_per_second(task.architecture, images, task.epochs, task.seed)


def ours(context: Context, architecture: Architecture, batch: int, images: int) -> float:
    """Train in parallel, one single-threaded run per core, as the grid and the search do."""
    data = context.prepared()
    tasks = [
        Training(
            run_settings(architecture, **COMPARED, batch_size=batch, epochs=3, seed=seed),
            data,
            threads=1,
            images=images,
            valid_images=VALID * images // TRAIN,  # the same share as in all of MNIST
        )
        for seed in range(context.cores)
    ]
    return images_per_second(together(train, tasks, context.cores))


def measure(context: Context) -> list[Row]:
    """Measure both architectures."""
    return [measure_one(context, architecture) for architecture in ("linear", "conv")]


def measure_one(context: Context, architecture: Architecture) -> Row:
    """Measure the contestants in turn."""
    images = SOME[architecture] // (8 if context.quick else 1)
    batch = BATCHES[architecture]
    line, target = TARGETS[architecture]
    contestants: dict[str, Callable[[], float]] = {
        OURS: lambda: ours(context, architecture, batch, images),
        "plain torch": lambda: alone(
            plain_torch, PeerTask(architecture, context.torchvision_root(), 2, images)
        ),
        "pythae": lambda: alone(pythae, PeerTask(architecture, context.prepared(), 2, images)),
        "ours at their batch of 128": lambda: ours(context, architecture, 128, images),
    }
    values: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(context.rounds):
        for name, run in contestants.items():
            values[name].append(run())
    return Row(
        line,
        f"training throughput, {architecture}",
        "images/s",
        values,
        "larger",
        target,
        {"images": images, "batch_size": batch, **COMPARED},
    )

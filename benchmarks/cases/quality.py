"""Lines c and d: time until the test split is as well described as by plain torch's ten epochs.

Ours trains a short schedule to its end and measures the test split once, after it. Where it ends
no better than plain torch did, its time is infinite: the schedule is then too short.
"""

import math
from collections.abc import Callable
from typing import Any

from benchmarks.cases.throughput import Architecture, PeerTask
from benchmarks.context import COMPARED, Context, alone, run_settings
from benchmarks.ours import Trained, Training, train_and_test
from benchmarks.peers import plain_torch
from benchmarks.rows import OURS, Row

PEER_EPOCHS = 10
SCHEDULES: dict[Architecture, dict[str, Any]] = {
    "linear": {"epochs": 2, "batch_size": 320, "learning_rate": 0.016},
    "conv": {"epochs": 2, "batch_size": 192, "learning_rate": 0.01},
}
TARGETS = {"linear": ("c", 20.0), "conv": ("d", 8.0)}


def plain(task: PeerTask, tell: Callable[[Any], None]) -> tuple[float, float]:
    """Seconds of training, without the tests, and the test -ELBO after the last epoch."""
    *_, last = plain_torch.train(task.architecture, task.data, task.epochs, task.seed, test=True)
    assert last.test_loss is not None
    return last.train_seconds, last.test_loss


def measure(context: Context) -> list[Row]:
    """Both architectures; the quick mode takes the linear one alone."""
    architectures: tuple[Architecture, ...] = ("linear",) if context.quick else ("linear", "conv")
    return [measure_one(context, architecture) for architecture in architectures]


def measure_one(context: Context, architecture: Architecture) -> Row:
    """Ours beside plain torch, a seed a round; the quick mode counts one of its epochs tenfold."""
    epochs = 1 if context.quick else PEER_EPOCHS
    seconds: dict[str, list[float]] = {OURS: [], "plain torch": []}
    reached: dict[str, list[float]] = {OURS: [], "plain torch": []}
    schedule = SCHEDULES[architecture]
    for seed in range(context.rounds):
        run = run_settings(architecture, **COMPARED, **schedule, seed=seed)
        task = Training(run, context.prepared(), threads=context.cores)
        ours: Trained = alone(train_and_test, task)
        assert ours.test_loss is not None
        peer = PeerTask(architecture, context.torchvision_root(), epochs, 0, seed)
        peer_seconds, peer_loss = alone(plain, peer)
        good_enough = context.quick or ours.test_loss <= peer_loss
        seconds[OURS].append(ours.seconds if good_enough else math.inf)
        seconds["plain torch"].append(peer_seconds * PEER_EPOCHS / epochs)
        reached[OURS].append(ours.test_loss)
        reached["plain torch"].append(peer_loss)
    line, target = TARGETS[architecture]
    details = {"test -ELBO": reached, "peer's epochs": epochs, **COMPARED, **schedule}
    return Row(
        line,
        f"time to plain torch's test -ELBO after {PEER_EPOCHS} epochs, {architecture}",
        "s",
        seconds,
        "smaller",
        target,
        details,
    )

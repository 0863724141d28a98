"""Lines c and d: time to the test -ELBO that plain torch reaches in ten epochs.

Ours runs a short schedule to its end and then measures the test split once. If the result is worse
than plain torch's, the schedule was too short and the time counts as infinite.

Also measures the test -ELBO of ours after as many epochs as plain torch, with the batch sizes of
lines a and b, to show that the throughput there does not cost quality.
"""

import math
from collections.abc import Callable
from typing import Any

from benchmarks.cases.throughput import BATCHES, Architecture, PeerTask
from benchmarks.context import COMPARED, Context, alone, run_settings
from benchmarks.ours import Trained, Training, train_and_test
from benchmarks.peers import plain_torch
from benchmarks.rows import OURS, Row
from pipeline.settings import RunSettings

PEER_EPOCHS = 10
SCHEDULES: dict[Architecture, dict[str, Any]] = {
    "linear": {"epochs": 2, "batch_size": 320, "learning_rate": 0.016},
    "conv": {"epochs": 2, "batch_size": 192, "learning_rate": 0.01},
}
SAME_EPOCHS: dict[Architecture, dict[str, Any]] = {
    "linear": {"epochs": PEER_EPOCHS, "batch_size": BATCHES["linear"], "learning_rate": 0.02},
    "conv": {"epochs": PEER_EPOCHS, "batch_size": BATCHES["conv"], "learning_rate": 0.01},
}
TARGETS = {"linear": ("c", 20.0), "conv": ("d", 8.0)}


def ours(context: Context, run: RunSettings) -> tuple[float, float]:
    """Return the seconds of training on all cores, and the test -ELBO afterwards."""
    done: Trained = alone(train_and_test, Training(run, context.prepared(), context.cores))
    assert done.test_loss is not None
    return done.seconds, done.test_loss


def plain(task: PeerTask, tell: Callable[[Any], None]) -> tuple[float, float]:
    """Return the seconds of training without tests, and the final test -ELBO."""
    *_, last = plain_torch.train(task.architecture, task.data, task.epochs, task.seed, test=True)
    assert last.test_loss is not None
    return last.train_seconds, last.test_loss


def measure(context: Context) -> list[Row]:
    """Measure both architectures; in quick mode only the linear one."""
    architectures: tuple[Architecture, ...] = ("linear",) if context.quick else ("linear", "conv")
    return [row for architecture in architectures for row in measure_one(context, architecture)]


def measure_one(context: Context, architecture: Architecture) -> list[Row]:
    """Compare with plain torch, one seed per round.

    Quick mode counts one epoch of plain torch ten times and does not compare the ELBO.
    """
    epochs = 1 if context.quick else PEER_EPOCHS
    seconds: dict[str, list[float]] = {OURS: [], "plain torch": []}
    reached: dict[str, list[float]] = {OURS: [], "plain torch": []}
    in_same_epochs: list[float] = []
    schedule, same_epochs = SCHEDULES[architecture], SAME_EPOCHS[architecture]
    for seed in range(context.rounds):
        run = run_settings(architecture, **COMPARED, **schedule, seed=seed)
        our_seconds, our_loss = ours(context, run)
        peer = PeerTask(architecture, context.torchvision_root(), epochs, 0, seed)
        peer_seconds, peer_loss = alone(plain, peer)
        good_enough = context.quick or our_loss <= peer_loss
        seconds[OURS].append(our_seconds if good_enough else math.inf)
        seconds["plain torch"].append(peer_seconds * PEER_EPOCHS / epochs)
        reached[OURS].append(our_loss)
        reached["plain torch"].append(peer_loss)
        if not context.quick:
            run = run_settings(architecture, **COMPARED, **same_epochs, seed=seed)
            in_same_epochs.append(ours(context, run)[1])
    line, target = TARGETS[architecture]
    details = {"test -ELBO": reached, "peer's epochs": epochs, **COMPARED, **schedule}
    name = f"time to plain torch's test -ELBO after {PEER_EPOCHS} epochs, {architecture}"
    if context.quick:
        line, name, target = "", f"ten times plain torch's first epoch, {architecture}", None
    rows = [Row(line, name, "s", seconds, "smaller", target, details)]
    if in_same_epochs:
        batch = same_epochs["batch_size"]
        name = f"test -ELBO after {PEER_EPOCHS} epochs, ours in batches of {batch}, {architecture}"
        values = {OURS: in_same_epochs, "plain torch": reached["plain torch"]}
        rows.append(Row("", name, "nats", values, "smaller", None, {**COMPARED, **same_epochs}))
    return rows

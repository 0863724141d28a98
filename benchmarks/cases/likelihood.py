"""Line f: importance-weighted estimate of -log p(x) with K = 5,000 draws per image."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.context import COMPARED, Context, alone, run_settings
from benchmarks.rows import OURS, Row
from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import load_prepared
from pipeline.evaluation.iwae import importance_weighted_nll
from pipeline.numerics.hardware import seeded_generator
from pipeline.training.run import new_model

SAMPLES, IMAGES, QUICK_IMAGES = 5000, 100, 20
BATCH = 1000  # codes decoded at a time
TARGET = 20.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """One estimate; an untrained model of the same shape costs as much as a trained one."""

    data: Path
    images: int
    seed: int
    graph: bool = False


def ours(task: Estimate, tell: Callable[[Any], None]) -> float:
    """Return the seconds on all cores."""
    prepared = load_prepared(task.data)
    images = model_inputs(prepared.splits["test"], "none")[: task.images]
    run = run_settings("linear", **COMPARED | {"activation": "relu"}, seed=task.seed)
    model = new_model(run, prepared).eval()
    generator = seeded_generator(task.seed, "importance")
    start = time.perf_counter()
    importance_weighted_nll(model, images, SAMPLES, generator, BATCH)
    return time.perf_counter() - start


def pythae(task: Estimate, tell: Callable[[Any], None]) -> float:
    """Return the seconds of `get_nll` on all cores, with its default batch size of 100."""
    from benchmarks.peers import pythae as peer

    images = model_inputs(load_prepared(task.data).splits["test"], "none")[: task.images]
    with torch.set_grad_enabled(task.graph):
        return peer.nll_seconds(peer.build("linear", task.seed), images, SAMPLES)


def measure(context: Context) -> list[Row]:
    """Measure the contestants in turn."""
    data = context.prepared()
    images = QUICK_IMAGES if context.quick else IMAGES
    values: dict[str, list[float]] = {
        OURS: [],
        "pythae, called as documented": [],
        "pythae within no_grad": [],
    }
    for seed in range(context.rounds):
        task = Estimate(data, images, seed)
        values[OURS].append(alone(ours, task))
        values["pythae, called as documented"].append(
            alone(pythae, Estimate(data, images, seed, graph=True))
        )
        values["pythae within no_grad"].append(alone(pythae, task))
    details = {"K": SAMPLES, "images": images, "decoded at once": BATCH, **COMPARED}
    return [Row("f", f"-log p(x), K = {SAMPLES:,}", "s", values, "smaller", TARGET, details)]

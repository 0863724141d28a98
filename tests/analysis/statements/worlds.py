"""Synthetic results with known differences."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from analysis.read.frames import Results, model_name
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.protocol import Protocol
from tests.analysis.conftest import PROTOCOL, data_card, judge_card

Value = Callable[[str, int], float]  # of an architecture and a latent size

DIGITS = tuple("0123456789")
SPREAD = 0.01  # between seeds, around the value of their configuration


def constant(architecture: str, size: int) -> float:
    return 0.7


def by_size(effect: float, start: float = 0.7) -> Value:
    """Ten or more dimensions have this much more than fewer."""
    return lambda _, size: start + effect * (size >= 10)


def by_architecture(effect: float) -> Value:
    """Conv has this much more than linear."""
    return lambda architecture, _: 0.7 + effect * (architecture == "conv")


def world(
    *,
    architectures: Sequence[str] = ("linear", "conv"),
    sizes: Sequence[int] = (2, 10),
    betas: Sequence[float] = (1.0,),
    seeds: int = 3,
    values: Mapping[str, Value] | None = None,
    without: Sequence[str] = (),
    gains: Value = lambda architecture, size: 40.0,
    continuity: float = 0.13,
    classes: Sequence[str] = DIGITS,
    collapsed: Sequence[str] = (),
) -> Results:
    """Create results in which every run has the value of its configuration, plus a spread.

    Args:
        architectures: architectures of the runs.
        sizes: latent sizes of each architecture.
        betas: likewise; if there are several, values apply to the first, others are far off.
        seeds: runs per configuration.
        values: values of metrics that replace the defaults, in which nothing differs.
        without: metrics that no run has.
        gains: gain in validation ELBO from the first of three epochs to the last.
        continuity: grid continuity of two-dimensional models.
        classes: names of the classes.
        collapsed: runs that collapsed.
    """
    rows, history, given = [], [], dict(values or {})
    for architecture in architectures:
        for size in sizes:
            for beta in betas:
                for seed in range(seeds):
                    own = {
                        "run": f"{architecture}-{size}/beta-{beta:g}-seed-{seed}",
                        "architecture": architecture,
                        "latent_dim": size,
                        "beta": beta,
                        "seed": seed,
                        "model": model_name(architecture, size, beta if len(betas) > 1 else None),
                    }
                    noise = SPREAD * (seed - (seeds - 1) / 2) + 99 * (beta != betas[0])
                    metrics = {
                        name: value(architecture, size) + noise
                        for name, value in (dict.fromkeys(METRICS, constant) | given).items()
                    }
                    metrics |= {"grid_continuity": continuity + noise, "grid_center_class": 8.0}
                    absent = {name for name in METRICS if size != 2 and name.startswith("grid_")}
                    metrics |= dict.fromkeys(absent | set(without), math.nan)
                    rows.append(own | metrics | {"collapsed": own["run"] in collapsed})
                    for epoch in (1, 2, 3):
                        gain = gains(architecture, size) * (epoch - 1) / 2 + noise * epoch
                        history.append(own | {"epoch": epoch, "split": "valid", "elbo": gain - 190})
    return Results(
        folder=Path("results"),
        runs=pd.DataFrame(rows),
        history=pd.DataFrame(history),
        protocol=Protocol(**PROTOCOL),
        data=data_card(classes),
        judge=judge_card(classes),
        notes=(),
    )

"""Samplers compared at equal trials and at equal seconds: `make samplers`.

Every sampler searches the default space of linear networks, without pruning, from the same first
points and with three seeds. Linear networks train in seconds, the more so with half of the epochs,
and 600 trainings in minutes.
"""

import itertools
import json
import statistics
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import click
import numpy as np
from matplotlib.figure import Figure

from analysis.present.style import INK, MUTED
from benchmarks.context import together
from benchmarks.simulated import Search, Simulated, simulate
from pipeline.data.prepared import load_prepared
from pipeline.files import write_text
from pipeline.settings import load_settings, parse_settings
from pipeline.settings.search import Sampler
from pipeline.settings.space import Value
from study.search.plan import Plan

SAMPLERS: dict[Sampler, tuple[str, str]] = {
    "tpe": ("TPE, multivariate", "#1c5fb0"),
    "gp": ("GP", "#d9480f"),
    "qmc": ("QMC (Sobol)", "#2b8a3e"),
    "random": ("random", MUTED),
}
TRIALS, SEEDS, EPOCHS = 50, 3, 10
Results = dict[Sampler, list[list[Simulated]]]
AT = (20, 50)  # trials at which the best values are compared
PICTURE = Path(__file__).with_name("samplers.png")
RESULTS = Path(__file__).with_name("samplers.json")


@click.command()
@click.option("--data", type=Path, default=Path("data/prepared.safetensors"), show_default=True)
@click.option("--kept", type=Path, default=Path("results/bench/trainings"), show_default=True)
@click.option("--trials", type=click.IntRange(min=1), default=TRIALS, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
def main(data: Path, kept: Path, trials: int, workers: int) -> None:
    """Search linear networks with every sampler and three seeds; print a table, draw a figure."""
    tasks = [
        Search(f"{sampler}-{seed}", linear_plan(data, sampler, seed), trials, data, kept)
        for seed in range(SEEDS)
        for sampler in SAMPLERS
    ]
    results: Results = {sampler: [] for sampler in SAMPLERS}
    for task, found in zip(tasks, together(simulate, tasks, workers), strict=True):
        results[task.plan.search.sampler].append(found)
    results = levelled(results)
    table = summary(results)
    write_text(RESULTS, json.dumps(table, indent=2) + "\n")
    for sampler, row in table.items():
        print(sampler, row)
    write_picture(results)


def linear_plan(data: Path, sampler: Sampler, seed: int) -> Plan:
    """Return the default search without conv networks and without pruning."""
    content = load_settings().model_dump(mode="json")
    search = content["search"]
    content["train"]["grid"]["architectures"] = ["linear"]
    search |= {"sampler": sampler, "seed": seed, "pruner": "none", "epochs": EPOCHS}
    search["first"] = [cell for cell in search["first"] if cell.startswith("linear")]
    search["space"] = [
        one | {"when": {}}
        for one in search["space"]
        if one["name"] != "architecture" and one["when"] != {"architecture": "conv"}
    ]
    return Plan.of(parse_settings(content), load_prepared(data, splits=("valid",)).hash)


def levelled(results: Results) -> Results:
    """Give each training the median seconds of all trainings of its network and batch size.

    Whoever tried a point first has trained it, at the speed that the machine had then.
    """

    def kind(one: Simulated) -> tuple[Value, Value]:
        return one.chosen["hidden"], one.chosen["batch_size"]

    seconds: dict[tuple[Value, Value], list[float]] = {}
    for searches in results.values():
        for one in itertools.chain.from_iterable(searches):
            seconds.setdefault(kind(one), []).append(one.seconds)
    return {
        sampler: [
            [replace(one, seconds=statistics.median(seconds[kind(one)])) for one in search]
            for search in searches
        ]
        for sampler, searches in results.items()
    }


def best_so_far(trials: Sequence[Simulated]) -> list[float]:
    """Return the best value after each trial."""
    return list(accumulate((one.value for one in trials), max))


def clock(trials: Sequence[Simulated]) -> list[float]:
    """Return the seconds of one worker after each trial, with those of the sampler."""
    return list(accumulate(one.seconds + one.choosing for one in trials))


def summary(results: Results) -> dict[str, dict[str, Any]]:
    """Return the best values at equal trials and at equal seconds, and what choosing costs."""
    limits = {
        at: statistics.median(clock(one)[min(at, len(one)) - 1] for one in results["random"])
        for at in AT
    }
    table: dict[str, dict[str, Any]] = {}
    for sampler, searches in results.items():
        row: dict[str, Any] = {}
        for at in AT:
            row[f"best after {at} trials"] = [best_so_far(one)[:at][-1] for one in searches]
            row[f"best after {limits[at]:.0f} s"] = [
                max(
                    best
                    for best, seconds in zip(best_so_far(one), clock(one), strict=True)
                    if seconds <= max(limits[at], clock(one)[0])
                )
                for one in searches
            ]
        asked = [one.choosing for search in searches for one in search[-10:]]
        row["milliseconds to choose, last ten trials"] = 1000 * statistics.median(asked)
        table[sampler] = row
    return table


def write_picture(results: Results) -> None:
    """Draw the mean best value over trials and over seconds, with each seed as a thin line."""
    figure = Figure(figsize=(8.6, 3.6), layout="constrained")
    over_trials, over_seconds = figure.subplots(1, 2, sharey=True)
    for sampler, searches in results.items():
        label, colour = SAMPLERS[sampler]
        count = min(map(len, searches))
        best = np.array([best_so_far(one)[:count] for one in searches])
        seconds = np.array([clock(one)[:count] for one in searches])
        number = np.arange(1, count + 1)
        for axes, across in (
            (over_trials, np.tile(number, (len(best), 1))),
            (over_seconds, seconds),
        ):
            for xs, ys in zip(across, best, strict=True):
                axes.step(xs, ys, where="post", color=colour, linewidth=0.6, alpha=0.4)
            axes.step(
                across.mean(0), best.mean(0), where="post", color=colour, linewidth=1.8, label=label
            )
    low = min(best_so_far(one)[:4][-1] for searches in results.values() for one in searches)
    over_trials.set_ylim(low - 0.1, None)
    over_trials.set_xlabel("trials")
    over_seconds.set_xlabel("seconds of one worker")
    over_trials.set_ylabel("best validation ELBO so far, nats", color=INK)
    over_trials.legend(loc="lower right", frameon=False)
    figure.savefig(PICTURE, dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main()

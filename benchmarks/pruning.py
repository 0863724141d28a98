"""What pruning costs the default search, and what it saves: `make pruning`.

The default search runs without pruning from three seeds, and the pruner then judges the same
trials. They also show how well the values at the first comparison rank the values at the end.
"""

import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from scipy.stats import spearmanr

from benchmarks.context import together
from benchmarks.simulated import Search, Simulated, prune, simulate
from pipeline.data.prepared import load_prepared
from pipeline.files import write_text
from pipeline.settings import load_settings, parse_settings
from study.search.plan import WARMUP_SHARE, Plan

TRIALS, SEEDS = 50, 3
RESULTS = Path(__file__).with_name("pruning.json")


@click.command()
@click.option("--data", type=Path, default=Path("data/prepared.safetensors"), show_default=True)
@click.option("--kept", type=Path, default=Path("results/bench/trainings"), show_default=True)
@click.option("--trials", type=click.IntRange(min=1), default=TRIALS, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
def main(data: Path, kept: Path, trials: int, workers: int) -> None:
    """Run the default search without its pruner, apply the pruner, and print what differs."""
    plans = [default_plan(data, "none", seed) for seed in range(SEEDS)]
    tasks = [Search(f"seed {seed}", plan, trials, data, kept) for seed, plan in enumerate(plans)]
    rows = []
    pruner = load_settings().search.pruner
    for seed, found in enumerate(together(simulate, tasks, workers)):
        pruned = prune(default_plan(data, pruner, seed), found)
        for architecture in ("linear", "conv"):
            own = [one for one in pruned if one.chosen["architecture"] == architecture]
            whole = [one for one in found if one.chosen["architecture"] == architecture]
            rows.append({"seed": seed, "architecture": architecture} | row(plans[seed], own, whole))
            print(rows[-1], flush=True)
    write_text(RESULTS, json.dumps(rows, indent=2) + "\n")


def default_plan(data: Path, pruner: str, seed: int) -> Plan:
    """Return the default search with another pruner or seed."""
    content = load_settings().model_dump(mode="json")
    content["search"] |= {"pruner": pruner, "seed": seed}
    return Plan.of(parse_settings(content), load_prepared(data, splits=("valid",)).hash)


def row(plan: Plan, pruned: Sequence[Simulated], whole: Sequence[Simulated]) -> dict[str, Any]:
    """Return the numbers of one architecture in one search, with and without its pruner."""
    first = math.ceil(WARMUP_SHARE * plan.search.epochs)
    early = [one.curve[first - 1] for one in whole]
    final = [one.value for one in whole]
    complete = [one.value for one in pruned if one.pruned is None]
    return {
        "trials": len(whole),
        "complete with pruning": len(complete),
        "best without pruning": round(max(final), 2),
        "best with pruning": round(max(complete), 2),
        "seconds without pruning": round(sum(one.seconds for one in whole)),
        "seconds with pruning": round(sum(one.seconds for one in pruned)),
        f"rank correlation of epoch {first} with the end": round(
            float(spearmanr(early, final).statistic), 2
        ),
        "the same in the better half": round(_in_better_half(early, final), 2),
    }


def _in_better_half(early: Sequence[float], final: Sequence[float]) -> float:
    """Return the rank correlation among the trials that end in the better half."""
    middle = statistics.median(final)
    better = [(a, b) for a, b in zip(early, final, strict=True) if b >= middle]
    return float(spearmanr([a for a, _ in better], [b for _, b in better]).statistic)


if __name__ == "__main__":
    main()

"""The scenarios one after the other, and what they found."""

import random
import sys
import tempfile
import time
from pathlib import Path

import click

from benchmarks.kills.commands import disturb_commands
from benchmarks.kills.pipeline import disturb_pipeline
from benchmarks.kills.project import Scenario, Task
from benchmarks.kills.running import disturb_search
from benchmarks.kills.surroundings import fill_disk, stop_server
from study.store.quiet import quiet_optuna

# Each with its share of the disturbances.
SCENARIOS: dict[str, tuple[Scenario, float]] = {
    "search": (disturb_search, 0.5),
    "commands": (disturb_commands, 0.25),
    "pipeline": (disturb_pipeline, 0.15),
    "disk": (fill_disk, 0.05),
    "server": (stop_server, 0.05),
}


@click.command()
@click.option("--kills", default=100, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--minutes",
    default=30.0,
    show_default=True,
    help="Disturb no longer than this, in shares by scenario, besides preparing and checking.",
)
@click.option(
    "--only", "chosen", multiple=True, type=click.Choice(list(SCENARIOS)), help="Repeatable."
)
def main(kills: int, seed: int, minutes: float, chosen: tuple[str, ...]) -> None:
    """Disturb the product, and exit with status 1 if anything was lost, doubled or left open."""
    quiet_optuna()
    names = chosen or tuple(SCENARIOS)
    whole = sum(SCENARIOS[name][1] for name in names)
    total = problems = 0
    for name in names:
        scenario, share = SCENARIOS[name]
        share /= whole
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="vae-study-kills-") as folder:
            report = scenario(
                Task(
                    root=Path.cwd(),
                    place=Path(folder),
                    kills=max(1, round(kills * share)),
                    chance=random.Random(f"{seed} {name}"),
                    seconds=60 * minutes * share,
                )
            )
        kinds = ", ".join(f"{count} {kind}" for kind, count in report.kills.most_common())
        spent = time.monotonic() - begun
        print(f"{name}: {report.kills.total()} disturbances in {spent:.0f} s ({kinds})", flush=True)
        for line in [*report.notes, *(f"WRONG: {one}" for one in report.problems)]:
            print(f"  {line}", flush=True)
        total += report.kills.total()
        problems += len(report.problems)
    print(f"{total} disturbances, {problems} problems")
    sys.exit(problems > 0)


if __name__ == "__main__":
    main()

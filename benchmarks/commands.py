"""Processor time of the commands that only show: `make commands`, or beside a search of your own.

    python -m benchmarks.commands FOLDER    # a folder with study.db, such as the project's

Without a folder, a search of 50 trials is made up. Each command runs in a process of its own, once
to warm up and then `ROUNDS` times. The numbers are user and system time, to which other processes
on the machine can only add.
"""

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import optuna
from optuna.trial import TrialState

from pipeline.settings import load_settings
from study.outcome.importance import remember_importance
from study.search.fixed_designs import sobol_point
from study.search.plan import Plan
from study.search.schedule import TRIAL
from study.search.space import distributions
from study.store.joining import open_search
from study.store.quiet import quiet_optuna
from study.store.searches import all_trials

ROOT = Path(__file__).parents[1]
URL = "sqlite:///study.db"
TRIALS, PRUNED_EVERY = 50, 3
ROUNDS = 7
COMMANDS = (
    *("list", "status", "best", "show 3", "importance", "export --out exported", "where", "check"),
    *("--help", "run --help", "doctor"),
)


def main() -> None:
    quiet_optuna()
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) > 1:
            for path in Path(sys.argv[1]).glob("study.db*"):
                shutil.copy(path, folder)
        os.chdir(folder)
        for name in ("params.yaml", "dvc.yaml"):
            shutil.copy(ROOT / name, folder)
        if len(sys.argv) < 2:
            make_search()
        print(f"{'command':<32}{'smallest':>10}{'median':>10}")
        for command in COMMANDS:
            rounds = [measure(command) for _ in range(ROUNDS + 1)][1:]
            smallest, median = min(rounds), statistics.median(rounds)
            print(f"{'study ' + command:<32}{smallest:>8.2f} s{median:>8.2f} s", flush=True)


def make_search() -> None:
    """Store a search with trials that nobody trained."""
    settings = load_settings("params.yaml")
    plan = Plan.of(settings, "0" * 64)
    search, _ = open_search(URL, plan, plan.name, TRIALS)
    for number in range(TRIALS):
        params = sobol_point(settings.search.space, number, 0, {})
        noise = random.Random(number).gauss(0, 1)
        elbo = -100 - 10 / int(str(params["latent_dim"])) + noise
        terms = {"elbo": elbo, "reconstruction": -elbo - 25, "kl": 25.0}
        is_pruned = number % PRUNED_EVERY == 1
        trial = optuna.create_trial(
            state=TrialState.PRUNED if is_pruned else TrialState.COMPLETE,
            value=elbo,
            params=params,
            distributions=distributions(params, settings.search.space),
            user_attrs={TRIAL: number}
            | ({} if is_pruned else terms | {"epochs": 20, "seconds": 9}),
            intermediate_values={epoch: elbo - 10 / epoch for epoch in (7, 10, 13, 16)},
        )
        search.add_trial(trial)
    remember_importance(search, all_trials(search))


def measure(command: str) -> float:
    """Return the processor time of a command, in seconds."""
    words = [sys.executable, str(ROOT / "study" / "__main__.py"), *command.split()]
    before = os.times()
    ended = subprocess.run(words, capture_output=True, text=True)
    after = os.times()
    if ended.returncode and command != "doctor":  # which finds no data here
        sys.exit(ended.stderr)
    used = after.children_user + after.children_system
    return used - before.children_user - before.children_system


if __name__ == "__main__":
    main()

"""The overhead of the search, per trial and as trials accumulate: `make search-cost`.

The first number is the time from the end of one trial to the end of the next in a single worker,
minus training: choosing, the store, reports and tracking. The second is the time to choose and
close a trial when many have finished.
"""

import contextlib
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import torch

from benchmarks.ours import part
from pipeline.data.prepared import PreparedData, load_prepared
from pipeline.runtime.tracking import Tracker
from pipeline.schemas.where import SEARCH_EXPERIMENT
from pipeline.settings import load_settings, parse_settings
from study.search import trial as trials
from study.search.plan import PARENT, Plan
from study.search.replay import Replay
from study.search.schedule import OWNER, TRIAL
from study.search.space import distributions, suggest
from study.store.joining import open_search
from study.store.quiet import quiet_optuna
from study.store.searches import all_trials
from study.store.storage import StoreLock
from study.workers.runner import TrialRunner
from study.workers.worker import claim_and_train

PARAMS = Path(__file__).parents[1] / "params.yaml"
URL = "sqlite:///study.db"
TRIALS = 40
IMAGES = 256
FINISHED = (100, 1000)
ROUNDS = 20


def main() -> None:
    root = Path.cwd()
    prepared = load_prepared(root / "data" / "prepared.safetensors", splits=("train", "valid"))
    content = load_settings(root / "params.yaml").model_dump(mode="json")
    content["search"] |= {"pruner": "median", "trials": TRIALS}
    quiet_optuna()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        prepared = replace(
            prepared, splits={name: part(s, IMAGES) for name, s in prepared.splits.items()}
        )
        plan = Plan.of(parse_settings(content), prepared.hash)
        epochs = content["search"]["epochs"]
        print(f"overhead of a trial of up to {epochs} epochs, {TRIALS} trials, one worker:")
        print(f"  median {1000 * overhead(plan, prepared):.0f} ms")
        for count in FINISHED:
            ask, tell = choosing(plan, count)
            print(
                f"with {count} finished trials: choosing and claiming one {1000 * ask:.0f} ms, "
                f"closing it {1000 * tell:.0f} ms"
            )
        os.chdir(root)


class Clock:
    """Add up the seconds of training: building the model, its steps and its validation."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def call(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its time measured."""

        def timed(*words: Any) -> Any:
            start = time.perf_counter()
            try:
                return work(*words)
            finally:
                self.seconds += time.perf_counter() - start

        return timed

    def iterate(self, work: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """Return the generator, with the time measured while it runs but not while it waits."""

        def timed(*words: Any) -> Iterator[Any]:
            reports = work(*words)
            step = self.call(lambda: next(reports, None))
            while (report := step()) is not None:
                yield report

        return timed


def overhead(plan: Plan, prepared: PreparedData) -> float:
    """Return the median seconds of a complete trial apart from training."""
    search, _ = open_search(URL, plan, "overhead", TRIALS)
    tracker = Tracker.open(SEARCH_EXPERIMENT)
    parent = tracker.start("overhead", {}).run_id
    search.set_user_attr(PARENT, parent)
    replay = Replay(plan, "overhead")
    runner = TrialRunner(plan, prepared, lambda: tracker, lambda: parent, replay, "")
    lock = StoreLock(URL, "ask")
    clock, seconds = Clock(), []
    trials.new_model = clock.call(trials.new_model)
    trials.train_epochs = clock.iterate(trials.train_epochs)
    while True:
        start, clock.seconds = time.perf_counter(), 0.0
        if not claim_and_train(search, lock, runner, TRIALS):
            break
        spent = time.perf_counter() - start - clock.seconds
        last = all_trials(search)[-1].attempt
        if last.state == optuna.trial.TrialState.COMPLETE:
            seconds.append(spent)
    return statistics.median(seconds)


def measured_choosing(count: int) -> tuple[float, float]:
    """Call ``choosing`` for the default search in a temporary folder."""
    quiet_optuna()
    plan = Plan.of(load_settings(PARAMS), "no data")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return choosing(plan, count)


def choosing(plan: Plan, count: int) -> tuple[float, float]:
    """Return the median seconds to choose and claim a trial, and to close it, after ``count``."""
    name = f"beside-{count}"
    search, _ = open_search(URL, plan, name, count + ROUNDS)
    replay = Replay(plan, name)
    space = plan.search.space
    # Trials are asked for but never run, so there are no heartbeats.
    warnings.filterwarnings("ignore", message="Heartbeat of storage")
    sampler = optuna.samplers.RandomSampler(seed=0)
    shadow = optuna.create_study(sampler=sampler)
    for number in range(count):
        chosen = suggest(shadow.ask(), space)
        search.add_trial(
            optuna.create_trial(
                value=float(chosen["latent_dim"]),
                params=chosen,
                distributions=distributions(chosen, space),
                intermediate_values=dict.fromkeys(plan.check_epochs(), 1.0),
                user_attrs={TRIAL: number, "elbo": 1.0, "seconds": 1.0},
            )
        )
    asks, tells = [], []
    for number in range(count, count + ROUNDS):
        start = time.perf_counter()
        chosen = replay.propose(number, all_trials(search))
        search.add_trial(
            optuna.create_trial(
                state=optuna.trial.TrialState.WAITING,
                params=chosen,
                distributions=distributions(chosen, space),
                user_attrs={TRIAL: number, OWNER: {}},
            )
        )
        search.sampler = sampler
        trial = search.ask()
        asks.append(time.perf_counter() - start)
        start = time.perf_counter()
        search.tell(trial, float(number))
        tells.append(time.perf_counter() - start)
    # The first includes replaying all earlier trials, which each worker does once.
    return statistics.median(asks[1:]), statistics.median(tells[1:])


if __name__ == "__main__":
    main()

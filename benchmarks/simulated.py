"""A search in memory: the product's own decisions, with every training kept on disk.

Trials are trained to the end even if they are pruned, so that it is known what pruning gave up. A
setting that several searches try is trained once.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
import torch
from optuna.trial import FrozenTrial, TrialState

import pipeline.data
import pipeline.models
import pipeline.numerics
import pipeline.training
from pipeline.data.prepared import PreparedData, load_prepared
from pipeline.files import write_text
from pipeline.schemas.fingerprint import fingerprint_of, source_hash
from study.search.plan import Plan
from study.search.replay import Replay
from study.search.schedule import TRIAL, trials_of
from study.search.space import Chosen, distributions, identity_of, to_run
from study.search.trial import Step, train_trial
from study.store.quiet import quiet_optuna

# The code of a training; edits of the search leave its trainings as they are.
CODE = source_hash(pipeline.data, pipeline.numerics, pipeline.models, pipeline.training)


@dataclass(frozen=True, slots=True)
class Simulated:
    """One trial of a search.

    Attributes:
        chosen: what it tried.
        curve: validation ELBO after each epoch, to the end.
        pruned: the epoch after which it was pruned; None if it was not.
        seconds: of the epochs until then.
        choosing: seconds that the sampler took.
    """

    chosen: Chosen
    curve: tuple[float, ...]
    pruned: int | None
    seconds: float
    choosing: float

    @property
    def value(self) -> float:
        """The value at the end of training, which a pruned trial did not reach."""
        return self.curve[-1]


@dataclass(frozen=True, slots=True)
class Search:
    """A search to simulate.

    Attributes:
        name: what it is called in the results.
        plan: its plan.
        trials: how many.
        data: the prepared file.
        kept: folder with the trainings.
    """

    name: str
    plan: Plan
    trials: int
    data: Path
    kept: Path


def simulate(task: Search, tell: Callable[[Any], None]) -> list[Simulated]:
    """Run a search of ELBO, one trial after another; its decisions are those of `study run`."""
    torch.set_num_threads(1)
    quiet_optuna()
    data = load_prepared(task.data, splits=("train", "valid"))
    return list(_trials(task, data))


def _trials(task: Search, data: PreparedData) -> Iterator[Simulated]:
    plan, replay = task.plan, Replay(task.plan, task.name)
    attempts: list[FrozenTrial] = []
    for number in range(task.trials):
        start = time.perf_counter()
        chosen = replay.propose(number, trials_of(attempts, {}))
        choosing = time.perf_counter() - start
        curve, seconds = _trained(task, chosen, data)
        pruned = _compare(replay, plan, curve)
        attempts.append(_attempt(number, plan, chosen, curve, pruned))
        share = (pruned or len(curve)) / len(curve)
        yield Simulated(chosen, curve, pruned, share * seconds, choosing)


def prune(plan: Plan, trials: Sequence[Simulated]) -> list[Simulated]:
    """Return the same trials as the plan's pruner would have left them.

    The sampler chooses nothing here, so that pruning alone makes the difference.
    """
    replay = Replay(plan, "pruned")
    attempts: list[FrozenTrial] = []
    found = []
    for number, one in enumerate(trials):
        running = _attempt(number, plan, one.chosen, (), None)
        replay.retry(number, trials_of([*attempts, running], {}))
        pruned = _compare(replay, plan, one.curve)
        attempts.append(_attempt(number, plan, one.chosen, one.curve, pruned))
        share = (pruned or len(one.curve)) / len(one.curve)
        found.append(replace(one, pruned=pruned, seconds=share * one.seconds))
    return found


def _compare(replay: Replay, plan: Plan, curve: Sequence[float]) -> int | None:
    """Return the epoch after which the trial that was added last is pruned, if it is."""
    for epoch in sorted(plan.check_epochs()) if plan.prunes else []:
        if replay.should_prune(curve[epoch - 1], epoch):
            return epoch
    return None


def _attempt(
    number: int, plan: Plan, chosen: Chosen, curve: Sequence[float], pruned: int | None
) -> FrozenTrial:
    """Return the attempt at a trial; it is running if there is no curve."""
    checks = plan.check_epochs() if plan.prunes else ()
    reports = {e: curve[e - 1] for e in sorted(checks) if curve and e <= (pruned or len(curve))}
    state = TrialState.COMPLETE if pruned is None else TrialState.PRUNED
    return optuna.create_trial(
        state=state if curve else TrialState.RUNNING,
        value=None if not curve else curve[(pruned or len(curve)) - 1],
        params=chosen,
        distributions=distributions(chosen, plan.search.space),
        intermediate_values=reports,
        user_attrs={TRIAL: number},
    )


def _trained(task: Search, chosen: Chosen, data: PreparedData) -> tuple[tuple[float, ...], float]:
    """Return the whole curve of a training and its seconds, from disk if it is known."""
    plan = task.plan
    run = to_run(chosen, plan.base, plan.search.seed, plan.search.epochs)
    key = fingerprint_of({"run": identity_of(run), "data": plan.data_hash, "code": CODE})
    path = task.kept / f"{key}.json"
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        return tuple(known["curve"]), known["seconds"]
    curve: list[float] = []

    def observe(step: Step) -> None:
        if step.report is not None:
            curve.append(step.report.valid.elbo)

    start = time.perf_counter()
    train_trial(plan, data, chosen, observe)
    seconds = time.perf_counter() - start
    write_text(path, json.dumps({"curve": curve, "seconds": seconds}))
    return tuple(curve), seconds

"""Which trials are best."""

from collections.abc import Iterable

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from analysis.estimate.pareto import pareto_optimal
from pipeline.settings import Architecture
from study.search.plan import Plan
from study.search.schedule import Trial, result_of


def ranked(trials: Iterable[Trial], plan: Plan) -> list[Trial]:
    """Return the complete trials of different settings, best first.

    With two objectives, return their Pareto front, lowest distortion first.
    """
    complete = [trial for trial in trials if trial.is_evidence]
    if not complete:
        return []
    costs = [_costs(trial.attempt.values, plan) for trial in complete]
    if len(plan.directions) > 1:
        optimal = pareto_optimal(costs)
    else:
        optimal = np.ones(len(complete), dtype=bool)
    order = sorted(range(len(complete)), key=lambda i: (costs[i][0], complete[i].number))
    return [complete[i] for i in order if optimal[i]]


def best_of_architectures(trials: Iterable[Trial], plan: Plan) -> dict[Architecture, Trial]:
    """Return the best trial of each architecture; of two objectives, by their sum, the ELBO."""
    complete = [trial for trial in trials if trial.is_evidence]
    two = len(plan.directions) > 1
    best: dict[Architecture, Trial] = {}
    for trial in sorted(complete, key=lambda one: -_elbo(one)) if two else ranked(complete, plan):
        best.setdefault(architecture_of(trial, plan), trial)
    return best


def architecture_of(trial: Trial, plan: Plan) -> Architecture:
    """Return the architecture of a trial's model, searched or not."""
    architecture: Architecture = trial.params.get("architecture", plan.base.architecture)  # type: ignore[assignment]
    return architecture


def _elbo(trial: Trial) -> float:
    return result_of(trial.attempt)["elbo"]


def is_new_best(values: Iterable[float], attempts: Iterable[FrozenTrial], plan: Plan) -> bool:
    """Return whether no complete attempt is at least as good in every objective."""
    own = _costs(values, plan)
    others = [_costs(one.values, plan) for one in attempts if one.state == TrialState.COMPLETE]
    return not others or not np.all(np.array(others) <= own, axis=1).any()


def _costs(values: Iterable[float], plan: Plan) -> list[float]:
    """Return values with their sign changed where higher is better."""
    signs = [-1 if direction == "maximize" else 1 for direction in plan.directions]
    return [sign * value for sign, value in zip(signs, values, strict=True)]

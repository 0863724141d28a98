"""Which trials are best."""

from collections.abc import Iterable

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from study.search.plan import Plan


def ranked(attempts: Iterable[FrozenTrial], plan: Plan) -> list[FrozenTrial]:
    """Return the complete attempts, best first.

    With two objectives, return their Pareto front, lowest distortion first.
    """
    complete = [attempt for attempt in attempts if attempt.state == TrialState.COMPLETE]
    if not complete:
        return []
    costs = [_costs(attempt.values, plan) for attempt in complete]
    if len(plan.directions) > 1:
        # Imported here, because it imports pandas, which takes half a second.
        from analysis.estimate.pareto import pareto_optimal

        optimal = pareto_optimal(costs)
    else:
        optimal = np.ones(len(complete), dtype=bool)
    order = sorted(range(len(complete)), key=lambda i: (costs[i][0], complete[i].number))
    return [complete[i] for i in order if optimal[i]]


def is_new_best(values: Iterable[float], attempts: Iterable[FrozenTrial], plan: Plan) -> bool:
    """Return whether no complete attempt is at least as good in every objective."""
    own = _costs(values, plan)
    others = [_costs(one.values, plan) for one in attempts if one.state == TrialState.COMPLETE]
    return not others or not np.all(np.array(others) <= own, axis=1).any()


def _costs(values: Iterable[float], plan: Plan) -> list[float]:
    """Return values with their sign changed where higher is better."""
    signs = [-1 if direction == "maximize" else 1 for direction in plan.directions]
    return [sign * value for sign, value in zip(signs, values, strict=True)]

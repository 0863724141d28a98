"""Which trials are best."""

from optuna.trial import FrozenTrial, TrialState

from study.search.plan import Plan


def ranked(trials: list[FrozenTrial], plan: Plan) -> list[FrozenTrial]:
    """Complete trials, best first; of two objectives the Pareto front, lowest distortion first."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if len(plan.directions) > 1:
        front = [trial for trial in complete if not any(_dominates(one, trial) for one in complete)]
        return sorted(front, key=lambda trial: (trial.values[0], trial.number))
    sign = -1 if plan.directions[0] == "maximize" else 1
    return sorted(complete, key=lambda trial: (sign * trial.values[0], trial.number))


def _dominates(one: FrozenTrial, other: FrozenTrial) -> bool:
    """Whether one is nowhere worse and somewhere better; both values are to be low."""
    pairs = list(zip(one.values, other.values, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

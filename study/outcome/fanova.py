"""Functional ANOVA: the share of the objective's variance that each hyperparameter explains.

Hutter, Hoos & Leyton-Brown 2014, with a random forest fitted to the trials. Optuna's default, which
is based on quantiles, is misleading for a few trials that a sampler chose.
"""

from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from analysis.read.fanova import ALL, FanovaImportance
from pipeline.errors import UserError
from pipeline.schemas.tables import Row
from study.search.schedule import RESULT, Trial

FEWEST = 10  # trials; a forest fitted to fewer is not meaningful
SEED = 0


def importances(trials: Sequence[Trial]) -> list[FanovaImportance]:
    """Compute the shares over all trials, and within each architecture, where more of them apply.

    They explain the final values or, if pruning left too few complete trials, the values at the
    first comparison, which all trials reached.

    Raises:
        UserError: if there are too few trials either way, or too little varies among them.
    """
    finished = [trial.attempt for trial in trials if trial.is_finished]
    rated = [(one, _final(one)) for one in finished if one.state == TrialState.COMPLETE]
    epoch = None
    if len(rated) < FEWEST:
        steps = [min(one.intermediate_values) for one in finished if one.intermediate_values]
        epoch = min(steps, default=0)
        early = [(one, one.intermediate_values.get(epoch)) for one in finished]
        rated = [(one, value) for one, value in early if value is not None]
    if len(rated) < FEWEST:
        raise UserError(
            f"importance needs {FEWEST} finished trials, but there are {len(finished)}; run more"
        )
    groups = {ALL: rated}
    for attempt, value in rated:
        if "architecture" in attempt.params:
            groups.setdefault(str(attempt.params["architecture"]), []).append((attempt, value))
    found = []
    for group, members in groups.items():
        varied = _varied(members)
        # A single hyperparameter has share 1, and a value that never changes has no variance.
        if len(members) >= FEWEST and len(varied) > 1 and len({value for _, value in members}) > 1:
            found.append(FanovaImportance(group, len(members), epoch, _shares(members, varied)))
    if not found:
        raise UserError(
            "importance needs two hyperparameters that vary in all trials, and values that differ; "
            "declare more in search.space, or run more"
        )
    return found


def importance_rows(trials: Sequence[Trial]) -> list[Row]:
    """Return the rows of ``importance.csv``, one per group and hyperparameter; may be empty."""
    try:
        groups = importances(trials)
    except UserError:
        groups = []
    return [
        {
            "group": group.group,
            "parameter": parameter,
            "importance": share,
            "trials": group.trials,
            "values": "final" if group.epoch is None else "first comparison",
            "epoch": group.epoch,
        }
        for group in groups
        for parameter, share in group.shares.items()
    ]


def _final(attempt: FrozenTrial) -> float:
    """Return the objective's value; with two objectives, the ELBO, to which both contribute."""
    if len(attempt.values) > 1:
        return float(attempt.user_attrs[RESULT]["elbo"])
    return float(attempt.values[0])


def _varied(rated: list[tuple[FrozenTrial, float]]) -> list[str]:
    """Return the hyperparameters that all these trials have and that vary among them."""
    first, *others = [attempt.params for attempt, _ in rated]
    return [
        name
        for name, value in first.items()
        if all(name in other for other in others) and any(other[name] != value for other in others)
    ]


def _shares(rated: list[tuple[FrozenTrial, float]], names: Sequence[str]) -> dict[str, float]:
    # Imported here, because it imports scikit-learn, which takes a second.
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    search = optuna.create_study()
    search.add_trials(
        [
            optuna.create_trial(
                value=value,
                params={name: attempt.params[name] for name in names},
                distributions={name: attempt.distributions[name] for name in names},
            )
            for attempt, value in rated
        ]
    )
    shares = get_param_importances(search, evaluator=FanovaImportanceEvaluator(seed=SEED))
    ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return {name: float(share) for name, share in ordered}

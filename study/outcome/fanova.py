"""How much of the objective's variance each hyperparameter explains: functional ANOVA.

Hutter, Hoos & Leyton-Brown 2014, on a random forest of the trials. Optuna's default, by
quantiles, misleads on few trials that a sampler chose.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState

from pipeline.errors import UserError
from pipeline.schemas.tables import Row
from study.search.schedule import RESULT, Turn

FEWEST = 10  # trials; of fewer a forest says nothing
SEED = 0


@dataclass(frozen=True, slots=True)
class Importance:
    """The shares of one group of trials.

    Attributes:
        group: ``all``, or the architecture of the trials.
        trials: how many the shares rest on.
        epoch: after which their value was measured; None for that of complete trials.
        shares: by hyperparameter, largest first; they add up to 1.
    """

    group: str
    trials: int
    epoch: int | None
    shares: dict[str, float]


def importances(turns: Sequence[Turn]) -> list[Importance]:
    """Shares over all trials, and within each architecture, where more parameters apply.

    Of the final values, or, where pruning left too few complete trials, of the values at the
    first comparison, which all trials reached.

    Raises:
        UserError: if there are too few trials either way, or too little varies among them.
    """
    finished = [turn.trial for turn in turns if turn.is_finished]
    rated = [(trial, _final(trial)) for trial in finished if trial.state == TrialState.COMPLETE]
    epoch = None
    if len(rated) < FEWEST:
        steps = [min(trial.intermediate_values) for trial in finished if trial.intermediate_values]
        epoch = min(steps, default=0)
        early = [(trial, trial.intermediate_values.get(epoch)) for trial in finished]
        rated = [(trial, value) for trial, value in early if value is not None]
    if len(rated) < FEWEST:
        raise UserError(
            f"importance needs {FEWEST} finished trials, but there are {len(finished)}; run more"
        )
    groups = {"all": rated}
    for trial, value in rated:
        if "architecture" in trial.params:
            groups.setdefault(str(trial.params["architecture"]), []).append((trial, value))
    found = []
    for group, members in groups.items():
        varied = _varied(members)
        # The share of one hyperparameter is 1, and of a value that never changes there is none.
        if len(members) >= FEWEST and len(varied) > 1 and len({value for _, value in members}) > 1:
            found.append(Importance(group, len(members), epoch, _shares(members, varied)))
    if not found:
        raise UserError(
            "importance needs two hyperparameters that vary in all trials, and a value that does; "
            "declare more in search.space, or run more"
        )
    return found


def importance_rows(turns: Sequence[Turn]) -> list[Row]:
    """The rows of ``importance.csv``, one per group and hyperparameter; none of too few trials."""
    try:
        groups = importances(turns)
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


def _final(trial: FrozenTrial) -> float:
    """The objective's value; of two objectives the ELBO, on which both bear."""
    if len(trial.values) > 1:
        return float(trial.user_attrs[RESULT]["elbo"])
    return float(trial.values[0])


def _varied(rated: list[tuple[FrozenTrial, float]]) -> list[str]:
    """Hyperparameters that all these trials have, and not all with the same value."""
    first, *others = [trial.params for trial, _ in rated]
    return [
        name
        for name, value in first.items()
        if all(name in other for other in others) and any(other[name] != value for other in others)
    ]


def _shares(rated: list[tuple[FrozenTrial, float]], names: Sequence[str]) -> dict[str, float]:
    search = optuna.create_study()
    search.add_trials(
        [
            optuna.create_trial(
                value=value,
                params={name: trial.params[name] for name in names},
                distributions={name: trial.distributions[name] for name in names},
            )
            for trial, value in rated
        ]
    )
    shares = optuna.importance.get_param_importances(
        search, evaluator=FanovaImportanceEvaluator(seed=SEED)
    )
    ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return {name: float(share) for name, share in ordered}

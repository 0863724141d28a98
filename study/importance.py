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
from study.turns import RESULT, Turn

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
        UserError: if there are too few trials either way.
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
    return [
        Importance(group, len(members), epoch, _shares(members))
        for group, members in groups.items()
        if len(members) >= FEWEST
    ]


def _final(trial: FrozenTrial) -> float:
    """The objective's value; of two objectives the ELBO, on which both bear."""
    if len(trial.values) > 1:
        return float(trial.user_attrs[RESULT]["elbo"])
    return float(trial.values[0])


def _shares(rated: list[tuple[FrozenTrial, float]]) -> dict[str, float]:
    search = optuna.create_study()
    search.add_trials(
        [
            optuna.create_trial(value=value, params=trial.params, distributions=trial.distributions)
            for trial, value in rated
        ]
    )
    shares = optuna.importance.get_param_importances(
        search, evaluator=FanovaImportanceEvaluator(seed=SEED)
    )
    return dict(sorted(shares.items(), key=lambda item: -item[1]))

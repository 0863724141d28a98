"""How much of the objective's variance each hyperparameter explains: functional ANOVA.

Hutter, Hoos & Leyton-Brown 2014, on a random forest of the complete trials. Optuna's default, by
quantiles, misleads on few trials that a sampler chose.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import optuna
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState

from pipeline.errors import UserError
from study.plan import Plan
from study.turns import RESULT, Turn

FEWEST = 10  # complete trials; of fewer a forest says nothing
SEED = 0


@dataclass(frozen=True, slots=True)
class Importance:
    """The shares of one group of trials.

    Attributes:
        group: ``all``, or the architecture of the trials.
        trials: complete ones that the shares rest on.
        shares: by hyperparameter, largest first; they add up to 1.
    """

    group: str
    trials: int
    shares: dict[str, float]


def importances(turns: Sequence[Turn], plan: Plan) -> list[Importance]:
    """Shares over all trials, and within each architecture, where more parameters apply.

    Raises:
        UserError: if there are too few complete trials.
    """
    complete = [turn.trial for turn in turns if turn.trial.state == TrialState.COMPLETE]
    if len(complete) < FEWEST:
        raise UserError(
            f"importance needs {FEWEST} complete trials, but there are {len(complete)}; run more"
        )
    groups = {"all": complete}
    for trial in complete:
        if "architecture" in trial.params:
            groups.setdefault(str(trial.params["architecture"]), []).append(trial)
    return [
        Importance(group, len(members), _shares(members, plan))
        for group, members in groups.items()
        if len(members) >= FEWEST
    ]


def _shares(trials: list[FrozenTrial], plan: Plan) -> dict[str, float]:
    search = optuna.create_study(directions=plan.directions)
    search.add_trials(trials)
    # Of two objectives, what their sum (the negative ELBO) depends on.
    target: Callable[[FrozenTrial], float] | None = None
    if len(plan.directions) > 1:
        target = _elbo
    evaluator = FanovaImportanceEvaluator(seed=SEED)
    shares = optuna.importance.get_param_importances(search, evaluator=evaluator, target=target)
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _elbo(trial: FrozenTrial) -> float:
    return float(trial.user_attrs[RESULT]["elbo"])

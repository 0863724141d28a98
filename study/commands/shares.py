"""The importance of a search's hyperparameters, in plain values, for a table or for JSON."""

from dataclasses import dataclass

import optuna

from pipeline.settings import Objective
from study.outcome.importance import remembered_importance
from study.search.plan import plan_of
from study.store.searches import all_trials

SHARE = ("importance", "low", "high")


@dataclass(frozen=True, slots=True)
class ParameterShare:
    """The share of the variance that one hyperparameter explains, with its 95 % interval."""

    parameter: str
    importance: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GroupShares:
    """The shares within a group: ``all``, or an architecture; largest first.

    Attributes:
        group: its name.
        trials: how many complete trials the shares rest on.
        shares: they add up to 1.
    """

    group: str
    trials: int
    shares: list[ParameterShare]


@dataclass(frozen=True, slots=True)
class SearchShares:
    """The shares of a search, by group."""

    search: str
    objective: Objective
    groups: list[GroupShares]


def shares_of(search: optuna.Study) -> SearchShares:
    """Compute the shares of a search.

    Raises:
        UserError: if there are too few complete trials, or too little varies among them.
    """
    trials = all_trials(search)
    rows = remembered_importance(search, trials)
    if not rows:
        from study.outcome.fanova import importance_rows  # imports pandas and scikit-learn

        rows = importance_rows(trials, required=True)
    groups: dict[str, GroupShares] = {}
    for row in rows:
        group = str(row["group"])
        shares = groups.setdefault(group, GroupShares(group, int(row["trials"]), [])).shares
        shares.append(ParameterShare(str(row["parameter"]), *(float(row[one]) for one in SHARE)))
    return SearchShares(search.study_name, plan_of(search).search.objective, list(groups.values()))

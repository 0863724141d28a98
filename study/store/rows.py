"""Whether the rows of a search are as this project writes them.

Somebody may have edited the database, or a disk may have damaged it. Whoever loads a search checks
its rows once, so that nothing else has to expect a number that is none.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial, TrialState
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pipeline.errors import UserError, brief
from pipeline.runtime.causes import reason_of
from pipeline.settings.explain import first_error
from pipeline.settings.shown import show
from pipeline.settings.space import applies, contains
from study.search.plan import Plan, plan_of
from study.search.schedule import COSTS, DEATHS, TRIAL
from study.search.space import Chosen, distributions
from study.store.reading import UNREADABLE, Store, UnreadableError

REMEDY = "the database was edited or damaged: restore it from a copy, or move it away"

Count = Annotated[int, Field(ge=0)]


class RowError(UnreadableError):
    """A search with a row that cannot be used."""


class _Attributes(BaseModel):
    """Attributes that this project sets; others are not looked at."""

    model_config = ConfigDict(strict=True, extra="ignore")


class _Remembered(_Attributes):
    of: str
    rows: list[dict[str, str | float | None]]


class _SearchAttributes(_Attributes):
    target: Count
    mlflow_parent: str = ""
    recorded: Count | None = None
    importance: _Remembered | None = None


class _AttemptAttributes(_Attributes):
    trial: Count | None = None
    owner: dict[str, str] = {}
    run_id: str = ""
    same_as: Count = 0
    fault: str = ""
    reason: str = ""
    traceback: str = ""
    elbo: float | None = None
    reconstruction: float | None = None
    kl: float | None = None
    nll: float | None = None
    spread: float | None = None
    epochs: Count | None = None
    seconds: float | None = None
    commit: str = ""
    curve: dict[Annotated[str, Field(pattern=r"^\d{1,9}$")], dict[str, float]] = {}


def intact_search(storage: Store, name: str) -> optuna.Study:
    """Load a search whose rows can all be used.

    Raises:
        RowError: about the first row that cannot.
        UserError: if another version of this project made the search.
    """
    try:
        search = optuna.load_study(study_name=name, storage=storage)
        plan = _checked_plan(search)
        faults = list(_faults(search, storage, plan))
    except UserError:
        raise
    except UNREADABLE as error:
        faults = [_reason(error)]
    if faults:
        others = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise RowError(f"search {name}: {faults[0]}{others}; {REMEDY}")
    return search


@contextmanager
def explain_rows(name: str) -> Iterator[None]:
    """Explain in one line that a search has a row that cannot be used.

    Raises:
        RowError: in place of the original error.
    """
    try:
        yield
    except UserError:
        raise
    except UNREADABLE as error:
        raise RowError(f"search {name}: {_reason(error)}; {REMEDY}") from None


def _checked_plan(search: optuna.Study) -> Plan:
    plan, attributes = plan_of(search), search.user_attrs
    _SearchAttributes.model_validate(attributes)
    deaths = {key: one for key, one in attributes.items() if key.startswith(DEATHS)}
    TypeAdapter(dict[str, Count]).validate_python(deaths, strict=True)
    if [one.name.lower() for one in search.directions] != plan.directions:
        raise ValueError("its directions are not those of its plan")
    return plan


def _faults(search: optuna.Study, storage: Store, plan: Plan) -> Iterator[str]:
    """Yield what is wrong with each attempt, or with their numbers."""
    every: Chosen = {one.name: None for one in plan.search.space}
    expected = distributions(every, plan.search.space)
    attempts: list[FrozenTrial] = []
    sound = True
    for number, attempt in _attempts(search, storage):
        try:
            if isinstance(attempt, Exception):
                raise attempt
            _require_attempt(attempt, plan, expected)
        except UNREADABLE as error:
            sound = False
            yield f"Optuna's trial {number}: {_reason(error)}"
        else:
            attempts.append(attempt)
    own = {one.user_attrs[TRIAL] for one in attempts if TRIAL in one.user_attrs}
    for numbers, what in (({one.number for one in attempts}, "Optuna's trials"), (own, "trials")):
        if sound and numbers != set(range(len(numbers))):
            yield f"{what} are missing, or have wrong numbers"


def _attempts(
    search: optuna.Study, storage: Store
) -> Iterator[tuple[object, FrozenTrial | Exception]]:
    """Yield each attempt, or why its row cannot be read, by its number in Optuna."""
    try:
        attempts = search.get_trials(deepcopy=False)
    except UNREADABLE:
        pass
    else:
        yield from ((one.number, one) for one in attempts)
        return
    # Optuna reads all of them or none.
    query = "SELECT trial_id, number FROM trials WHERE study_id = :study ORDER BY trial_id"
    study = storage.get_study_id_from_name(search.study_name)
    for identity, number in storage.ask(query, study=study):
        try:
            yield number, storage.get_trial(identity)
        except UNREADABLE as error:
            yield number, error


def _require_attempt(
    attempt: FrozenTrial, plan: Plan, expected: Mapping[str, BaseDistribution]
) -> None:
    """Require that an attempt is one that the plan could have made.

    Raises:
        ValueError: if it is not, naming the rule.
    """
    noted = _AttemptAttributes.model_validate(attempt.user_attrs)
    for step, value in attempt.intermediate_values.items():
        if not isinstance(step, int) or not isinstance(value, float | int):
            raise ValueError(f"its value {value} after epoch {step} is not a number")
    params = attempt.params
    if noted.trial is None:  # somebody else's, which the search leaves alone
        return
    if attempt.state == TrialState.FAIL and not params:
        return
    if set(params) != {one.name for one in plan.search.space if applies(one, params)}:
        raise ValueError("its parameters are not those of the search space")
    for dimension in plan.search.space:
        if dimension.name in params and not contains(dimension, params[dimension.name]):
            wrong = f"{dimension.name} = {show(params[dimension.name])}"
            raise ValueError(f"{wrong} is not in the search space")
    if any(attempt.distributions[name] != expected[name] for name in params):
        raise ValueError("its distributions are not those of the search space")
    if attempt.state == TrialState.COMPLETE:
        missing = [name for name in _measured(plan) if getattr(noted, name) is None]
        if missing:
            raise ValueError(f"it has no {' and no '.join(missing)}")
        values = attempt.values or []
        if len(values) != len(plan.directions) or not all(map(math.isfinite, values)):
            raise ValueError("its values are not one finite number per objective")


def _measured(plan: Plan) -> list[str]:
    """Return what every complete trial of a search has measured."""
    names = ["elbo", "reconstruction", "kl", *COSTS]
    if plan.search.objective == "nll":
        names.append("nll")
    if plan.search.replicates > 1:
        names.append("spread")
    return names


def _reason(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        return brief(first_error(error))
    if isinstance(error, StorageInternalError):
        return reason_of(error)
    if isinstance(error, json.JSONDecodeError):
        return "it is not valid JSON"
    return brief(str(error))

"""Everything that is known about one trial, in plain values, for a table or for JSON."""

from dataclasses import dataclass
from datetime import datetime

import optuna
from optuna.trial import FrozenTrial

from study.commands.contents import metrics_of, params_of, state_of, values_of
from study.search.plan import plan_of
from study.search.schedule import FAULT, REASON, TRACEBACK, Trial, result_of
from study.store.run_ids import run_id_of


@dataclass(frozen=True, slots=True)
class Comparison:
    """The value by which a trial was compared with others, before it ended."""

    epoch: int
    value: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """One process's try at a trial.

    Attributes:
        optuna_number: its number in Optuna and its dashboard.
        state: in lower case, as Optuna calls it.
        started: None if no process has taken it yet.
        ended: None while it runs.
        reason: why it ended early.
    """

    optuna_number: int
    state: str
    started: datetime | None
    ended: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class TrialDetails:
    """Everything that is known about a trial.

    Attributes:
        search: the search's name.
        number: the trial's number.
        state: one of ``contents.STATES``.
        reason: why it has no result.
        same_as: the trial whose result it took, because that had trained the same model.
        params: what it tried.
        values: of the objectives, by name; None unless it is complete.
        metrics: on the validation split, in nats per image; None if not measured.
        epochs: how long it trained.
        seconds: how long that took.
        compared: its values before it ended.
        mlflow_run: the id of its run.
        attempts: in order; several if processes died.
        traceback: of a trial that failed.
    """

    search: str
    number: int
    state: str
    reason: str | None
    same_as: int | None
    params: dict[str, object]
    values: dict[str, float | None]
    metrics: dict[str, float | None]
    epochs: int | None
    seconds: float | None
    compared: list[Comparison]
    mlflow_run: str | None
    attempts: list[Attempt]
    traceback: str | None


def details_of(search: optuna.Study, trial: Trial) -> TrialDetails:
    """Return everything that is known about a trial."""
    noted, result = trial.attempt.user_attrs, result_of(trial.attempt)
    return TrialDetails(
        search=search.study_name,
        number=trial.number,
        state=state_of(trial),
        reason=trial.reason or _reason(trial.attempt),
        same_as=trial.twin,
        params=params_of(trial),
        values=values_of(trial, plan_of(search)),
        metrics=metrics_of(trial),
        epochs=int(result["epochs"]) if "epochs" in result else None,
        seconds=result.get("seconds"),
        compared=[Comparison(*one) for one in trial.attempt.intermediate_values.items()],
        mlflow_run=run_id_of(trial.attempt, search.user_attrs) or None,
        attempts=[_attempt(one) for one in trial.attempts],
        traceback=noted.get(TRACEBACK) or None,
    )


def _attempt(attempt: FrozenTrial) -> Attempt:
    start, end = attempt.datetime_start, attempt.datetime_complete
    return Attempt(
        optuna_number=attempt.number,
        state=attempt.state.name.lower(),
        started=start.astimezone() if start else None,
        ended=end.astimezone() if end else None,
        reason=_reason(attempt),
    )


def _reason(attempt: FrozenTrial) -> str | None:
    noted = attempt.user_attrs
    return noted.get(FAULT) or noted.get(REASON) or None

"""What is known about a search, in plain values, for a table or for JSON.

The names of the fields are the keys of the JSON documents; docs/search.md describes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import optuna
from optuna.trial import FrozenTrial, TrialState

from pipeline.settings import Objective
from pipeline.settings.space import from_value
from study.outcome.ranking import ranked
from study.search.plan import TARGET, Plan, plan_of
from study.search.schedule import METRICS, Trial, is_done, result_of
from study.store.searches import all_trials

STATES = ("complete", "pruned", "failed", "running", "lost")


@dataclass(frozen=True, slots=True)
class RankedTrial:
    """One of the best trials.

    Attributes:
        number: the trial's number.
        values: of the objectives, by name.
        metrics: on the validation split, in nats per image; None if not measured.
        params: what the trial tried.
        epochs: how long it trained.
        seconds: how long that took.
    """

    number: int
    values: dict[str, float | None]
    metrics: dict[str, float | None]
    params: dict[str, object]
    epochs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RunningTrial:
    """A trial that a process is training.

    Attributes:
        number: the trial's number.
        seconds: since its attempt began.
        params: what it tries.
    """

    number: int
    seconds: float
    params: dict[str, object]


@dataclass(frozen=True, slots=True)
class SearchSummary:
    """How far a search is.

    Attributes:
        search: its name.
        objective: what it optimises.
        data: the name of its data set.
        started: when its first attempt began.
        target: how many finished trials it should have.
        finished: how many it has.
        done: whether it has them, or its space is exhausted.
        counts: of trials, by ``STATES``.
        best: the best trial, or the Pareto front of two objectives; empty if none is complete.
        running: the trials that are being trained.
    """

    search: str
    objective: Objective
    data: str
    started: datetime | None
    target: int
    finished: int
    done: bool
    counts: dict[str, int]
    best: list[RankedTrial]
    running: list[RunningTrial]


@dataclass(frozen=True, slots=True)
class BestTrials:
    """The best trials of a search, or its Pareto front, in order."""

    search: str
    objective: Objective
    trials: list[RankedTrial]


def summary_of(search: optuna.Study) -> SearchSummary:
    """Return how far a search is now."""
    plan, trials = plan_of(search), all_trials(search)
    target = int(search.user_attrs[TARGET])
    states = [state_of(trial) for trial in trials]
    best = ranked_trials(trials, plan)
    starts = [
        one.datetime_start for trial in trials for one in trial.attempts if one.datetime_start
    ]
    return SearchSummary(
        search=search.study_name,
        objective=plan.search.objective,
        data=plan.data,
        started=min(starts).astimezone() if starts else None,
        target=target,
        finished=sum(trial.is_finished for trial in trials),
        done=is_done(trials, target, plan.most),
        counts={state: states.count(state) for state in STATES},
        best=best[:1] if len(plan.directions) == 1 else best,
        running=[
            RunningTrial(trial.number, _seconds_since_start(trial.attempt), params_of(trial))
            for trial in trials
            if trial.is_running
        ],
    )


def best_of(search: optuna.Study, count: int) -> BestTrials:
    """Return the best ``count`` trials of a search."""
    plan = plan_of(search)
    best = ranked_trials(all_trials(search), plan)[:count]
    return BestTrials(search.study_name, plan.search.objective, best)


def ranked_trials(trials: Sequence[Trial], plan: Plan) -> list[RankedTrial]:
    """Return the complete trials, best first, or the Pareto front of two objectives."""
    return [
        RankedTrial(
            number=trial.number,
            values=values_of(trial, plan),
            metrics=metrics_of(trial),
            params=params_of(trial),
            epochs=int(result_of(trial.attempt)["epochs"]),
            seconds=result_of(trial.attempt)["seconds"],
        )
        for trial in ranked(trials, plan)
    ]


def values_of(trial: Trial, plan: Plan) -> dict[str, float | None]:
    """Return the objectives' values by name; None unless the trial is complete."""
    if trial.attempt.state != TrialState.COMPLETE:
        return dict.fromkeys(plan.metrics)
    return dict(zip(plan.metrics, trial.attempt.values, strict=True))


def metrics_of(trial: Trial) -> dict[str, float | None]:
    """Return what a trial measured, by name; None for what it did not."""
    result = result_of(trial.attempt)
    return {name: result.get(name) for name in METRICS}


def params_of(trial: Trial) -> dict[str, object]:
    """Return what a trial tried, with lists as such."""
    return {name: from_value(value) for name, value in trial.params.items()}


def state_of(trial: Trial) -> str:
    """Return one of ``STATES``; a lost trial will be retried."""
    if trial.has_failed:
        return "failed"
    if trial.is_ended or trial.is_running:
        return trial.attempt.state.name.lower()
    return "lost"


def _seconds_since_start(attempt: FrozenTrial) -> float:
    start = attempt.datetime_start
    return (datetime.now() - start).total_seconds() if start else 0.0

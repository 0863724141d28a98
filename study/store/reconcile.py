"""Optuna's and MLflow's books, held one to one: each trial has one run, in the same state."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import optuna
from optuna.trial import FrozenTrial, TrialState

from study.search.schedule import FAULT, REASON, TURN

if TYPE_CHECKING:
    from pipeline.runtime.tracking import MlflowRecord, RecordedRun, Status, Tracker

TRIAL_TAG = "vae.trial"  # of an MLflow run: the number that its trial has in Optuna

LOST = "its process ended; the same parameters are tried again"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A trial that ended and whose record says something else, or is not there.

    Attributes:
        trial: in Optuna.
        run: in MLflow, if there is one.
    """

    trial: FrozenTrial
    run: "RecordedRun | None"


def status_of(trial: FrozenTrial) -> "Status":
    """What MLflow is to say of a trial that ended: only what failed by itself is FAILED."""
    match trial.state:
        case TrialState.COMPLETE:
            return "FINISHED"
        case TrialState.FAIL if FAULT in trial.user_attrs:
            return "FAILED"
        case _:
            return "KILLED"


def disagreements(search: optuna.Study, tracker: "Tracker", parent: str) -> list[Disagreement]:
    """Trials that ended and are not so recorded; a kill between two writes leaves such."""
    runs: dict[str, RecordedRun] = {}
    for run in tracker.children(parent):
        runs.setdefault(run.tags.get(TRIAL_TAG, ""), run)
    found = []
    for trial in search.get_trials(deepcopy=False):
        recorded = runs.get(str(trial.number))
        agree = recorded is not None and recorded.status == status_of(trial)
        if trial.state.is_finished() and not agree:
            found.append(Disagreement(trial, recorded))
    return found


def reconcile(search: optuna.Study, tracker: "Tracker", parent: str) -> int:
    """Make MLflow say what Optuna knows; how many records were wrong or missing."""
    wrong = disagreements(search, tracker, parent)
    for one in wrong:
        number = one.trial.user_attrs.get(TURN, one.trial.number)
        run_id = one.run.run_id if one.run else ""
        record = tracker.resume(run_id) or tracker.start(
            f"trial {number}", one.trial.params, parent, tags={TRIAL_TAG: str(one.trial.number)}
        )
        close(record, one.trial)
    return len(wrong)


def close(record: "MlflowRecord", trial: FrozenTrial) -> None:
    """End a record as its trial ended."""
    told = trial.user_attrs
    reason = "" if trial.state == TrialState.COMPLETE else told.get(FAULT, told.get(REASON, LOST))
    record.finish(status_of(trial), reason)

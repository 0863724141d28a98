"""Keep Optuna and MLflow in agreement: each attempt has one run, with the same outcome."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
import optuna
from optuna.trial import FrozenTrial, TrialState

from pipeline.runtime.outbox import ServerAwayError
from study.search.schedule import FAULT, REASON, TRIAL, result_of

if TYPE_CHECKING:
    from pipeline.runtime.tracking import MlflowRecord, RecordedRun, Status, Tracker

RECORDED = "recorded"  # attribute of a search: how many attempts its closed records cover
ATTEMPT_TAG = "vae.attempt"  # of an MLflow run: the number of its attempt in Optuna

LOST = "its process ended; the same parameters will be retried"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An ended attempt whose record is missing or has another outcome.

    Attributes:
        attempt: in Optuna.
        run: in MLflow, if there is one.
    """

    attempt: FrozenTrial
    run: "RecordedRun | None"


def status_of(attempt: FrozenTrial) -> "Status":
    """Return the status MLflow should show for an ended attempt.

    Only an attempt that failed by itself is FAILED.
    """
    match attempt.state:
        case TrialState.COMPLETE:
            return "FINISHED"
        case TrialState.FAIL if FAULT in attempt.user_attrs:
            return "FAILED"
        case _:
            return "KILLED"


def disagreements(search: optuna.Study, tracker: "Tracker", parent: str) -> list[Disagreement]:
    """Find ended attempts that are not recorded as such; a kill between two writes leaves some."""
    runs: dict[str, RecordedRun] = {}
    for run in tracker.children(parent):
        runs.setdefault(run.tags.get(ATTEMPT_TAG, ""), run)
    found = []
    for attempt in search.get_trials(deepcopy=False):
        recorded = runs.get(str(attempt.number))
        agree = recorded is not None and recorded.status == status_of(attempt)
        if attempt.state.is_finished() and not agree:
            found.append(Disagreement(attempt, recorded))
    return found


def reconcile(search: optuna.Study, tracker: "Tracker", parent: str) -> int:
    """Make MLflow agree with Optuna; return how many records were wrong or missing."""
    wrong = disagreements(search, tracker, parent)
    for one in wrong:
        attempt = one.attempt
        number = attempt.user_attrs.get(TRIAL)
        name = "attempt at no trial" if number is None else f"trial {number}"
        run_id = one.run.run_id if one.run else ""
        record = tracker.resume(run_id, name)
        if record is None:
            tags = {ATTEMPT_TAG: str(attempt.number)}
            record = tracker.start(name, attempt.params, parent, tags=tags)
            result = result_of(attempt)
            terms = ("elbo", "reconstruction", "kl")
            values = {f"valid/{name}": result[name] for name in terms if name in result}
            record.log_metrics(values, int(result.get("epochs", 0)))
        close(record, attempt)
    return len(wrong)


def close_search(
    search: optuna.Study,
    tracker: "Tracker",
    parent: "MlflowRecord",
    status: "Status" = "FINISHED",
    reason: str = "",
) -> None:
    """Make MLflow agree with Optuna and end the search's own record, whatever the former raises.

    A search that ends as FINISHED notes how many attempts that covers; see ``is_recorded``. During
    an outage of MLflow's server, this is left to the next start of the search.
    """
    states = [attempt.state for attempt in search.get_trials(deepcopy=False)]
    try:
        reconcile(search, tracker, parent.run_id)
    except ServerAwayError as error:
        fault = error.message.partition(";")[0]
        click.echo(
            f"warning: {fault}; its records of this search are completed by the next `study run`, "
            "or by `study doctor --fix`",
            err=True,
        )
        return
    except BaseException:
        parent.finish(status, reason)
        raise
    parent.finish(status, reason)
    if tracker.close() and status == "FINISHED":
        search.set_user_attr(RECORDED, sum(state.is_finished() for state in states))


def forget_recorded(search: optuna.Study) -> None:
    """Withdraw what ``close_search`` noted, before a record is opened again."""
    search.set_user_attr(RECORDED, None)


def is_recorded(search: optuna.Study) -> bool:
    """Whether MLflow agrees with Optuna and has no open record, without opening MLflow.

    An ended attempt never changes, so what was closed holds until there is another attempt.
    """
    return search.user_attrs.get(RECORDED) == len(search.get_trials(deepcopy=False))


def close(record: "MlflowRecord", attempt: FrozenTrial) -> None:
    """End a record with its attempt's outcome."""
    noted = attempt.user_attrs
    complete = attempt.state == TrialState.COMPLETE
    reason = "" if complete else noted.get(FAULT, noted.get(REASON, LOST))
    record.finish(status_of(attempt), reason)

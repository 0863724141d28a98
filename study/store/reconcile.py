"""Keep Optuna and MLflow in agreement: each attempt has one run, with the same outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
import optuna
from optuna.trial import FrozenTrial, TrialState

from analysis.words import pluralise
from pipeline.runtime.outbox import ServerAwayError
from pipeline.runtime.processes import DIED, has_died, identity, is_here
from study.search.plan import plan_of
from study.search.schedule import FAULT, FINISHED, OWNER, REASON, TRIAL, TWIN, result_of
from study.store.run_ids import note_late_run, run_id_of

if TYPE_CHECKING:
    from pipeline.runtime.tracking import MlflowRecord, RecordedRun, Status, Tracker

# Attributes of an attempt.
COMMIT = "commit"  # of the code
CURVE = "curve"  # metrics of each epoch by its number, if MLflow's server was away at the end

RECORDED = "recorded"  # attribute of a search: how many attempts its closed records cover
# Tags of an MLflow run.
ATTEMPT_TAG = "vae.attempt"  # the number of its attempt in Optuna
TWIN_TAG = "vae.same_as"  # the trial whose result it took

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


def disagreements(
    search: optuna.Study, tracker: "Tracker | None", parent: str
) -> list[Disagreement]:
    """Find ended attempts that are not recorded as such; a kill or an outage leaves some.

    What another living process of this machine trained is left to that process.

    Args:
        search: the search.
        tracker: of the searches' experiment; None if there is none.
        parent: the search's run.
    """
    runs: dict[str, RecordedRun] = {}
    for run in tracker.children(parent) if tracker else []:
        runs.setdefault(run.tags.get(ATTEMPT_TAG, ""), run)
    attributes = search.user_attrs
    return [
        Disagreement(attempt, runs.get(str(attempt.number)))
        for attempt in search.get_trials(deepcopy=False)
        if attempt.state.is_finished()
        and not _agrees(attempt, runs.get(str(attempt.number)), attributes)
        and not _is_being_recorded(attempt)
    ]


def _agrees(attempt: FrozenTrial, run: "RecordedRun | None", attributes: Mapping[str, Any]) -> bool:
    """Whether a record was closed with its attempt's outcome, and the search knows its ID."""
    if run is None or not _is_closed(attempt, run):
        return False
    return attempt.state not in FINISHED or run_id_of(attempt, attributes) == run.run_id


def _is_closed(attempt: FrozenTrial, run: "RecordedRun") -> bool:
    """Whether a record was closed with its attempt's outcome.

    One that was closed for its process has no outcome, for that process could not reach the server.
    """
    has_outcome = attempt.state in FINISHED or FAULT in attempt.user_attrs
    was_left_open = run.tags.get("vae.reason") == DIED
    return run.status == status_of(attempt) and not (has_outcome and was_left_open)


def _is_being_recorded(attempt: FrozenTrial) -> bool:
    owner = attempt.user_attrs.get(OWNER, {})
    return is_here(owner) and owner != identity() and not has_died(owner)


def reconcile(search: optuna.Study, tracker: "Tracker", parent: str) -> int:
    """Make MLflow agree with Optuna; return how many records were wrong or missing.

    One line says what cannot be written any more.
    """
    wrong = disagreements(search, tracker, parent)
    lacking = [one.attempt for one in wrong if _reconcile(search, tracker, parent, one)]
    if lacking:
        whole = all({CURVE, TWIN} & set(attempt.user_attrs) for attempt in lacking)
        click.echo(
            f"warning: MLflow had an incomplete record of {pluralise(len(lacking), 'trial')}; "
            f"settings and {'' if whole else 'final '}numbers are written now, but weights"
            f"{' and pictures' if whole else ', pictures and epochs'} that it lacks are lost",
            err=True,
        )
    return len(wrong)


def _reconcile(search: optuna.Study, tracker: "Tracker", parent: str, one: Disagreement) -> bool:
    """Complete and close a record; return whether it lacked anything of a finished trial."""
    attempt, noted = one.attempt, one.attempt.user_attrs
    name = f"trial {noted[TRIAL]}" if TRIAL in noted else "attempt at no trial"
    record = tracker.resume(one.run.run_id, name) if one.run else None
    if record is None:
        same = {TWIN_TAG: f"trial {noted[TWIN]}"} if TWIN in noted else {}
        tags = noted.get(OWNER, {}) | {ATTEMPT_TAG: str(attempt.number)} | same
        started, commit = _milliseconds(attempt.datetime_start), noted.get(COMMIT, "")
        record = tracker.start(name, attempt.params, parent, commit, tags, started)
        last = -1
    else:
        record.log_params(attempt.params)
        last = record.last_step("valid/elbo")
    missing = [epoch for epoch in _epochs(search, attempt) if epoch[0] > last]
    record.log_epochs(missing)
    if one.run is not None and "vae.reason" in one.run.tags:
        record.unmark("reason")
    close(record, attempt)
    run_id = record.run_id
    if run_id and run_id != run_id_of(attempt, search.user_attrs):
        note_late_run(search, attempt, run_id)
    was_cut_off = CURVE in noted and not (one.run and _is_closed(attempt, one.run))
    return attempt.state in FINISHED and (bool(missing) or was_cut_off)


def _epochs(search: optuna.Study, attempt: FrozenTrial) -> list[tuple[int, dict[str, float]]]:
    """Return what Optuna knows of an attempt's epochs: all of them if an outage was noticed.

    Else those after which it was compared, and the final numbers.
    """
    if CURVE in attempt.user_attrs:
        return [(int(step), metrics) for step, metrics in attempt.user_attrs[CURVE].items()]
    plan = plan_of(search).search
    sign = -1 if plan.objective == "nll" else 1
    epochs = {
        step: {"valid/elbo": sign * value}
        for step, value in attempt.intermediate_values.items()
        if step <= plan.epochs
    }
    result = result_of(attempt)
    terms = ("elbo", "reconstruction", "kl")
    final = {f"valid/{name}": result[name] for name in terms if name in result}
    if final:
        epochs[int(result.get("epochs", 0))] = final
    return sorted(epochs.items())


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


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
    attempts = search.get_trials(deepcopy=False)
    try:
        reconcile(search, tracker, parent.run_id)
    except ServerAwayError as error:
        fault = error.message.partition(";")[0]
        click.echo(
            f"warning: {fault}; the next `study run`, or `study doctor --fix`, writes the numbers "
            "and settings that its records of this search lack; weights and pictures are lost",
            err=True,
        )
        return
    except BaseException:
        parent.finish(status, reason)
        raise
    parent.finish(status, reason)
    if tracker.close() and status == "FINISHED":
        covered = (one.state.is_finished() and not _is_being_recorded(one) for one in attempts)
        search.set_user_attr(RECORDED, sum(covered))


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
    record.finish(status_of(attempt), reason, _milliseconds(attempt.datetime_complete))

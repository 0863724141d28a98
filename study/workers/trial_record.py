"""What a trial records while it trains, in Optuna's store and in MLflow."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from pipeline.runtime.background import in_background
from pipeline.training.loop import EpochReport, epoch_metrics
from study.search.schedule import RUN_ID
from study.store.reconcile import CURVE
from study.store.reconnect import set_user_attrs

if TYPE_CHECKING:
    from pipeline.runtime.tracking import MlflowRecord, Status

# Epochs go to the tracker in batches, because one by one takes 8 ms each.
MOST_SECONDS = 5.0  # between two batches
MOST_EPOCHS = 10  # in a batch

OVERTAKEN = "its process was stopped or cut off for too long; the same parameters are tried again"
DELETED = "the search was deleted"


class TrialRecord:
    """Writes the numbers of one attempt in the background.

    Args:
        attempt: receives its run's id as soon as it is known.
        begun: the run, which the tracker may still be creating.
        epochs: how many there will be at most.
    """

    def __init__(self, attempt: optuna.Trial, begun: "Future[MlflowRecord]", epochs: int) -> None:
        self._attempt = attempt
        self._begun = begun
        self._epochs = epochs
        self._run: MlflowRecord | None = None
        self._is_noted = False
        self._curve: list[tuple[int, dict[str, float]]] = []
        self._waiting: list[tuple[int, dict[str, float]]] = []
        self._sent = time.monotonic()
        self._writing: list[Future[None]] = []

    @property
    def run(self) -> "MlflowRecord":
        """The run; waits until it exists."""
        if self._run is None:
            self._run = self._begun.result()
            self._note_run(self._run)
        return self._run

    def _note_run(self, run: "MlflowRecord") -> None:
        """Note the run in the attempt, unless a server is away and has not assigned its ID yet."""
        run_id = "" if self._is_noted else run.run_id
        if run_id:
            self._write(self._attempt.set_user_attr, RUN_ID, run_id)
            self._is_noted = True

    def add(self, report: EpochReport) -> None:
        """Record an epoch soon; from the first epoch on, the attempt knows its run.

        Raises:
            UpdateFinishedTrialError: if another process has ended the attempt.
        """
        self._curve.append((report.epoch, epoch_metrics(report)))
        self._waiting.append(self._curve[-1])
        run = self.run
        for write in self._writing:
            if write.done():
                write.result()
        late = time.monotonic() - self._sent > MOST_SECONDS
        # While the last epoch trains, so that the end waits for that one alone.
        last_but_one = report.epoch == self._epochs - 1
        if late or last_but_one or len(self._waiting) == MOST_EPOCHS:
            self._flush(run)
        if late:  # as after a stop that was long enough for others to end the attempt
            self._write(self._require_running)

    def report(self, value: float, step: int) -> None:
        """Record soon a value by which trials are compared before they end."""
        self._write(self._attempt.report, value, step)

    def note(self, result: Mapping[str, float]) -> None:
        """Store soon what the attempt measured and what it cost, one attribute each."""
        self._write(set_user_attrs, self._attempt, result)

    def take(self, result: Mapping[str, float]) -> None:
        """Record soon the final numbers of a trial that trained the same model."""
        numbers = {f"valid/{name}": result[name] for name in ("elbo", "reconstruction", "kl")}
        epoch = int(result["epochs"])
        self._write(self.run.log_epochs, [(epoch, numbers)])

    def finish(self, status: "Status", reason: str) -> Future[None]:
        """Record everything that is waiting, and begin to end the run.

        All numbers are recorded when this returns: a kill afterwards costs only the status, which
        the next start of the search corrects. If MLflow's server is away, the attempt keeps all
        epochs, since this process may end before the server is back.

        Raises:
            Exception: if something could not be recorded; the run is ended all the same.
        """
        run = self.run
        self._flush(run)
        self._note_run(run)
        if run.store.is_away and self._curve:
            self._write(self._attempt.set_user_attr, CURVE, dict(self._curve))
        if status == "KILLED":  # perhaps because the attempt is no longer there
            self._write(self._require_running)
        failed = [error for error in (write.exception() for write in self._writing) if error]
        if not failed:
            return in_background(run.finish, status, reason)
        in_background(run.finish, "KILLED", _reason(failed[0]))
        raise failed[0]

    def _require_running(self) -> None:
        """Notice that another process has ended the attempt.

        Raises:
            UpdateFinishedTrialError: if so.
        """
        running = (TrialState.RUNNING,)
        attempts = self._attempt.study.get_trials(deepcopy=False, states=running)
        if not any(one.number == self._attempt.number for one in attempts):
            raise UpdateFinishedTrialError(OVERTAKEN)

    def _write(self, call: Callable[..., None], *values: object) -> None:
        """Begin to record something."""
        self._writing.append(in_background(call, *values))

    def _flush(self, run: "MlflowRecord") -> None:
        """Begin to record the waiting epochs."""
        if self._waiting:
            self._write(run.log_epochs, self._waiting)
            self._waiting = []
        self._sent = time.monotonic()


def _reason(error: BaseException) -> str:
    """Return why an attempt's outcome could not be recorded."""
    match error:
        case UpdateFinishedTrialError():
            return OVERTAKEN
        case KeyError():  # of a search that is no longer in the store
            return DELETED
    return f"{type(error).__name__}: {error}"

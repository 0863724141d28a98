"""What a trial records: written beside its training, in Optuna's store and in MLflow."""

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

import optuna

from pipeline.runtime.background import in_background
from pipeline.training.loop import EpochReport, epoch_metrics
from study.search.schedule import RUN_ID

if TYPE_CHECKING:
    from pipeline.runtime.tracking import MlflowRecord, Status

# Epochs go to the tracker some at a time, as one by one takes 8 ms each.
MOST_SECONDS = 5.0  # between two batches of them
MOST_EPOCHS = 10  # in a batch


class TrialRecord:
    """One trial's numbers on their way to where they are kept.

    Args:
        trial: that is told its run's id as soon as it is known.
        begun: the run, which the tracker may still be making.
    """

    def __init__(self, trial: optuna.Trial, begun: "Future[MlflowRecord]") -> None:
        self._trial = trial
        self._begun = begun
        self._run: MlflowRecord | None = None
        self._waiting: list[EpochReport] = []
        self._sent = time.monotonic()
        self._writing: list[Future[None]] = []

    @property
    def run(self) -> "MlflowRecord":
        """The run; waits for it."""
        if self._run is None:
            self._run = self._begun.result()
            self._trial.set_user_attr(RUN_ID, self._run.run_id)
        return self._run

    def add(self, report: EpochReport) -> None:
        """Record an epoch, soon; from the first on, the trial knows its run."""
        self._waiting.append(report)
        run = self.run
        late = time.monotonic() - self._sent > MOST_SECONDS
        if late or len(self._waiting) == MOST_EPOCHS:
            self._flush(run)

    def report(self, value: float, step: int) -> None:
        """Record, soon, a value by which trials are compared on the way."""
        self._writing.append(in_background(self._trial.report, value, step))

    def finish(self, status: "Status", reason: str) -> Future[None]:
        """Record all that waits, and begin to end the run.

        All numbers are on record when this returns: a kill after it costs only the status, which
        the search's next start sets right.
        """
        run = self.run
        self._flush(run)
        for write in self._writing:
            write.result()
        return in_background(run.finish, status, reason)

    def _flush(self, run: "MlflowRecord") -> None:
        """Begin to record the epochs that wait."""
        if self._waiting:
            epochs = [(one.epoch, epoch_metrics(one)) for one in self._waiting]
            self._writing.append(in_background(run.log_epochs, epochs))
            self._waiting.clear()
        self._sent = time.monotonic()

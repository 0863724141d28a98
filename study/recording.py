"""A trial's run in MLflow, begun and ended beside the training instead of before and after it."""

import time
from concurrent.futures import Future

import optuna

from pipeline.tracking import MlflowRecord, Status
from pipeline.training import EpochReport, epoch_metrics
from pipeline.uninterrupted import beside
from study.turns import RUN_ID

FLUSH = 5.0  # seconds between two batches of epochs to the tracker; one by one takes 8 ms each


class TrialRecord:
    """One trial's epochs on their way to the tracker, some at a time.

    Args:
        trial: that is told its run's id as soon as it is known.
        begun: the run, which the tracker may still be making.
    """

    def __init__(self, trial: optuna.Trial, begun: Future[MlflowRecord]) -> None:
        self._trial = trial
        self._begun = begun
        self._run: MlflowRecord | None = None
        self._waiting: list[EpochReport] = []
        self._sent = time.monotonic()

    @property
    def run(self) -> MlflowRecord:
        """The run; waits for it."""
        if self._run is None:
            self._run = self._begun.result()
            self._trial.set_user_attr(RUN_ID, self._run.run_id)
        return self._run

    def add(self, report: EpochReport) -> None:
        """Record an epoch, now or soon; from the first on, the trial knows its run."""
        self._waiting.append(report)
        run = self.run
        if time.monotonic() - self._sent > FLUSH:
            self._flush(run)

    def finish(self, status: Status, reason: str) -> Future[None]:
        """Record all that waits, and begin to end the run.

        The epochs are on record when this returns: a kill after it costs only the status, which
        the search's next start sets right.
        """
        run = self.run
        self._flush(run)
        return beside(run.finish, status, reason)

    def _flush(self, run: MlflowRecord) -> None:
        if self._waiting:
            run.log_epochs([(one.epoch, epoch_metrics(one)) for one in self._waiting])
            self._waiting.clear()
        self._sent = time.monotonic()

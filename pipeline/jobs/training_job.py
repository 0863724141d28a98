"""Train several runs in parallel and record each: the grid, or the confirmation of a trial."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from pipeline.data.prepared import load_prepared
from pipeline.errors import UserError
from pipeline.jobs.job import Job, run_job
from pipeline.jobs.progress import RunsProgress
from pipeline.jobs.train import TrainingTask, train_run
from pipeline.runtime.code_version import git_commit, versions
from pipeline.runtime.tracking import MlflowRecord, Status, Tracker
from pipeline.runtime.workers import Send
from pipeline.training.loop import EpochReport, epoch_metrics


def train_runs(
    title: str,
    params: Mapping[str, object],
    tasks: Sequence[TrainingTask],
    data: Path,
    tracker: Tracker,
    workers: int,
    parent: str | None = None,
) -> None:
    """Train runs in worker processes, with their records nested under one record.

    Args:
        title: name of that record.
        params: its parameters, which the runs share.
        tasks: the runs, at least one.
        data: the prepared file.
        tracker: the experiment's tracker.
        workers: number of processes.
        parent: ID of the run that the record itself is nested under.

    Raises:
        UserError: if a run fails, after the runs in progress have ended; finished ones are kept.
    """
    with tracker.run(title, params, parent) as whole:
        epochs = max(task.settings.epochs for task in tasks)
        run_job(TrainingJob(data, tracker, whole.run, epochs), tasks, workers)


class TrainingJob(Job[TrainingTask]):
    """Training, with a record for each run.

    Args:
        data: the prepared file.
        tracker: the experiment's tracker.
        parent: ID of the record that the runs are nested under, which a server may have to assign.
        epochs: maximum number of epochs per run.
    """

    verb = "trained"

    def __init__(self, data: Path, tracker: Tracker, parent: Future[str], epochs: int) -> None:
        self._data_path = data
        self._data = load_prepared(data, splits=("valid",))
        self._tracker = tracker
        self._parent = parent
        self._commit = git_commit()
        self._open: dict[str, MlflowRecord] = {}
        self._last: dict[str, EpochReport] = {}
        self.steps = epochs

    @property
    def work(self) -> Callable[[TrainingTask, Send], Any]:
        """The function that trains one run."""
        return partial(train_run, data_path=self._data_path)

    def begin(self, task: TrainingTask) -> TrainingTask:
        """Start the run's record, which its card will refer to."""
        params = task.settings.model_dump() | versions()
        record = self._tracker.start(task.name, params, self._parent, self._commit)
        self._open[task.name] = record
        record.log_dataset(self._data.name, self._data.hash, "training")
        return replace(task, commit=self._commit, run_id=record.reference)

    def on_message(self, task: TrainingTask, content: EpochReport, progress: RunsProgress) -> None:
        """Record an epoch."""
        self._last[task.name] = content
        self._open[task.name].log_metrics(epoch_metrics(content), content.epoch)
        note = f"validation ELBO {content.valid.elbo:.2f}"
        progress.step(task.name, content.epoch, note)

    def finish(self, task: TrainingTask, value: Any) -> str:
        """Record the model folder."""
        self._end(task.name, "FINISHED", _keep_files(self._open[task.name], task.folder))
        return describe(self._last[task.name])

    def fail(self, task: TrainingTask, error: Exception) -> None:
        """Record the failure."""
        self._end(task.name, "FAILED", str(error))

    def close(self) -> None:
        """End the records of interrupted runs."""
        for name in list(self._open):
            self._end(name, "KILLED", "training was interrupted")

    def _end(self, name: str, status: Status, reason: str) -> None:
        self._open.pop(name).finish(status, reason)


def describe(report: EpochReport) -> str:
    """Describe a run that ended with this epoch, in one line."""
    return (
        f"{report.epoch:3d} epochs {report.seconds:6.1f} s   validation ELBO "
        f"{report.valid.elbo:8.2f} = -(reconstruction {report.valid.reconstruction:.2f} + kl "
        f"{report.valid.kl:.2f})"
    )


def _keep_files(record: MlflowRecord, folder: Path) -> str:
    """Record the model folder, and return what went wrong, if anything.

    A full disk there affects the record, not the run.
    """
    try:
        record.log_files(folder, "model")
    except UserError as error:
        click.echo(f"warning: {error.message}", err=True)
        return error.message
    return ""

"""Evaluate several runs in parallel and add the results to the records of their training."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.errors import UserError
from pipeline.evaluation.pictures import write_sheets
from pipeline.jobs.evaluate import evaluate_run
from pipeline.jobs.evaluation_task import EvaluationTask
from pipeline.jobs.job import Job
from pipeline.jobs.progress import RunsProgress
from pipeline.runtime.tracking import MlflowRecord, Tracker
from pipeline.runtime.workers import Send
from pipeline.schemas.arrays import ARRAYS, read_arrays
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.run_row import read_row
from pipeline.schemas.tables import Row

EVALUATION = "evaluation"  # the mark that stores the fingerprint of the recorded results


class EvaluationJob(Job[EvaluationTask]):
    """Evaluation on the test split.

    Args:
        tracker: the experiment's tracker.
    """

    verb = "evaluated"

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._seconds: dict[str, float] = {}

    @property
    def work(self) -> Callable[[EvaluationTask, Send], Any]:
        """The function that evaluates one run."""
        return evaluate_run

    def on_message(self, task: EvaluationTask, content: float, progress: RunsProgress) -> None:
        """Remember the time that the run took."""
        self._seconds[task.name] = content

    def finish(self, task: EvaluationTask, value: Row) -> str:
        """Record the test metrics and pictures."""
        self._record(task, value)
        return describe(value, self._seconds[task.name])

    def record_late(self, task: EvaluationTask) -> None:
        """Record results whose evaluation was killed between writing and recording them."""
        row = read_row(task.folder)
        record = self._tracker.resume(row["run_id"], task.name)
        if record is not None and record.marked(EVALUATION) != task.fingerprint:
            self._record(task, row)

    def _record(self, task: EvaluationTask, row: Row) -> None:
        """Add the test metrics and pictures to the run's record, or to a new one.

        A model that came out of DVC's cache has no record in this store.
        """
        known = self._tracker.resume(row["run_id"], task.name)
        if known is not None:
            self._add(known, task, row)
            return
        params = {key: row[key] for key in row if key not in METRICS}
        with self._tracker.run(row["run"], params) as record:
            self._add(record, task, row)

    def _add(self, record: MlflowRecord, task: EvaluationTask, row: Row) -> None:
        """Add everything to a record; the mark comes last."""
        record.log_metrics(
            {f"test/{name}": float(row[name]) for name in METRICS if row[name] is not None}
        )
        with tempfile.TemporaryDirectory() as name:
            write_sheets(Path(name), read_arrays(task.folder / ARRAYS))
            try:
                record.log_files(Path(name), "test")
            except UserError as error:  # a full disk there costs the record, not the run
                click.echo(f"warning: {error.message}", err=True)
        record.mark(EVALUATION, task.fingerprint)


def describe(row: Row, seconds: float) -> str:
    """Describe an evaluated run and the time that it took, in one line."""
    nll = "" if row["nll_500"] is None else f", NLL {row['nll_500']:.2f}"
    return (
        f"{seconds:5.1f} s   test ELBO {row['elbo']:8.2f} = -(reconstruction "
        f"{row['reconstruction']:.2f} + kl {row['kl']:.2f}){nll}, {row['active_units']} of "
        f"{row['latent_dim']} units active"
    )

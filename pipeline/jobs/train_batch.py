"""Several training runs side by side, each on record."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import click

from pipeline.data.prepared import load_prepared
from pipeline.errors import UserError
from pipeline.jobs.progress import training_progress
from pipeline.jobs.train import Origin, TrainingTask, Wanted, train_run
from pipeline.runtime.code_version import git_commit, versions
from pipeline.runtime.tracking import MlflowRecord, Status, Tracker
from pipeline.runtime.workers import Failure, Message, Result, side_by_side
from pipeline.training.loop import EpochReport, epoch_metrics


def train_batch(
    title: str,
    params: Mapping[str, object],
    runs: Mapping[str, Wanted],
    data: Path,
    base: Path,
    tracker: Tracker,
    workers: int,
    threads: int = 1,
    parent: str | None = None,
) -> None:
    """Train runs in worker processes, a model folder each, nested under one record.

    Args:
        title: of the record.
        params: of the record: what the runs share.
        runs: by name, which is also the folder under ``base``.
        data: the prepared file.
        base: where the model folders go.
        tracker: of the experiment.
        workers: processes side by side.
        threads: of each.
        parent: run id under which the record itself is nested.

    Raises:
        UserError: if a run fails; those under way end first, and finished ones are kept.
    """
    prepared = load_prepared(data, splits=("valid",))
    commit = git_commit()
    failures: list[Exception] = []
    last: dict[str, EpochReport] = {}
    open_records: dict[str, MlflowRecord] = {}

    def tasks(record_id: str) -> Iterator[TrainingTask]:
        for name, run in runs.items():
            if failures:
                return  # what is under way ends; the rest would most likely fail as well
            record = tracker.start(name, run.settings.model_dump() | versions(), record_id, commit)
            record.log_dataset(prepared.name, prepared.hash, "training")
            open_records[name] = record
            origin = Origin(run.fingerprint, commit, threads, record.run_id)
            yield TrainingTask(name, run.settings, data, base / name, origin)

    def finish(name: str, status: Status, reason: str = "") -> None:
        open_records.pop(name).finish(status, reason)

    start = time.perf_counter()
    epochs = max(run.settings.epochs for run in runs.values())
    with (
        tracker.run(title, params, parent) as whole,
        training_progress(len(runs), epochs) as progress,
        closing(side_by_side(train_run, tasks(whole.run_id), workers)) as events,
    ):
        try:
            for event in events:
                name = event.task.name
                match event:
                    case Message(content=report):
                        last[name] = report
                        open_records[name].log_metrics(epoch_metrics(report), report.epoch)
                        progress.epoch(name, report)
                    case Result():
                        finish(name, "FINISHED", _keep_files(open_records[name], event.task))
                        progress.finished(name, last[name])
                    case Failure(error=error):
                        finish(name, "FAILED", str(error))
                        progress.failed(name)
                        failures.append(error)
        finally:
            for name in list(open_records):
                finish(name, "KILLED", "training was interrupted")
        if failures:
            raise failures[0]
    seconds = time.perf_counter() - start
    click.echo(f"trained {len(runs)} runs in {seconds:.0f} s with {workers} workers")


def _keep_files(record: MlflowRecord, task: TrainingTask) -> str:
    """Record the model folder; a full disk there costs the record, not the run. What went wrong."""
    try:
        record.log_files(task.folder, "model")
    except UserError as error:
        click.echo(f"warning: {error.message}", err=True)
        return error.message
    return ""

"""Stage ``train``: the balanced grid, its runs side by side."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.data import load_prepared
from pipeline.errors import UserError
from pipeline.files import move_folder, remove_others
from pipeline.guards import sole_writer, terminable
from pipeline.hardware import resolve_hardware
from pipeline.models import ImageShape, build_model
from pipeline.places import GRID_EXPERIMENT
from pipeline.progress import training_progress
from pipeline.runs import (
    TrainingTask,
    fingerprint,
    finished_fingerprint,
    git_commit,
    train_run,
    versions,
)
from pipeline.settings import RunSettings, Settings, load_settings
from pipeline.training import EpochReport, epoch_metrics
from pipeline.workers import Failure, Message, Result, count_workers, side_by_side

if TYPE_CHECKING:
    from pipeline.tracking import MlflowRecord


@click.command(epilog="Example: python -m pipeline.stages.train --workers 4")
@click.option("--params", default="params.yaml", show_default=True, help="Settings file.")
@click.option("--data", default="data/prepared.safetensors", show_default=True, type=Path)
@click.option("--models", default="models", show_default=True, type=Path, help="Where to.")
@click.option(
    "--workers",
    default="auto",
    show_default=True,
    envvar="VAE_WORKERS",
    help="Processes side by side; auto: one a core. Also as VAE_WORKERS.",
)
@click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Threads of each process. Another number rounds differently.",
)
def main(params: str, data: Path, models: Path, workers: str, threads: int) -> None:
    """Bring MODELS in line with the settings: train each run of the grid that is not there yet.

    Runs that are there and up to date stay, so that an interrupted training goes on where it
    was; runs that are not in the grid are removed.
    """
    settings = load_settings(params)
    processes = count_workers(workers, len(settings.runs))
    with sole_writer(models, "training"), terminable():
        todo = _missing_runs(settings, data, models, threads)
        kept = len(settings.runs) - len(todo)
        if kept:
            click.echo(f"{kept} of {len(settings.runs)} runs are up to date")
        if todo:
            _train(todo, settings, data, models, min(processes, len(todo)), threads)
        for name in remove_others(models, keep=set(settings.runs)):
            click.echo(f"removed {models / name}, which is not in the grid")


def _missing_runs(
    settings: Settings, data: Path, models: Path, threads: int
) -> dict[str, tuple[RunSettings, str]]:
    """The runs to train with their fingerprints; fails early where one cannot be built.

    A finished run that lies under another name, as when the grid begins to vary beta, is moved.
    """
    prepared = load_prepared(data, splits=("valid",))
    shape = ImageShape(*prepared.image_shape)
    expected = {}
    for name, run in settings.runs.items():
        build_model(run, shape)
        machine = resolve_hardware(run.device, run.precision)
        expected[name] = fingerprint(run, prepared.hash, machine, threads)
    found = {folder: finished_fingerprint(folder) for folder in sorted(models.glob("*/*"))}
    missing = {}
    for name, wanted in expected.items():
        if found.get(models / name) == wanted:
            continue
        elsewhere = [folder for folder, there in found.items() if there == wanted]
        if elsewhere:
            move_folder(elsewhere[0], models / name)
        else:
            missing[name] = settings.runs[name], wanted
    return missing


def _train(
    runs: dict[str, tuple[RunSettings, str]],
    settings: Settings,
    data: Path,
    models: Path,
    workers: int,
    threads: int,
) -> None:
    # Imported only where there is a run to record: that takes longer than to find nothing to do.
    from pipeline.tracking import MlflowRecord, Status, Tracker

    prepared = load_prepared(data, splits=("valid",))
    tracker = Tracker.open(GRID_EXPERIMENT)
    commit = git_commit()
    failures: list[Exception] = []
    last: dict[str, EpochReport] = {}
    open_records: dict[str, MlflowRecord] = {}

    def tasks(parent: str) -> Iterator[TrainingTask]:
        for name, (run, wanted) in runs.items():
            if failures:
                return  # what is under way ends; the rest would most likely fail as well
            record = tracker.start(name, run.model_dump() | versions(), parent, commit)
            record.log_dataset(prepared.name, prepared.hash, "training")
            open_records[name] = record
            yield TrainingTask(
                name, run, data, models / name, wanted, commit, threads, record.run_id
            )

    def finish(name: str, status: Status, reason: str = "") -> None:
        open_records.pop(name).finish(status, reason)

    start = time.perf_counter()
    with (
        tracker.run(f"grid {prepared.name}", _grid_params(settings)) as grid,
        training_progress(len(runs), settings.train.epochs) as progress,
        closing(side_by_side(train_run, tasks(grid.run_id), workers)) as events,
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


def _keep_files(record: "MlflowRecord", task: TrainingTask) -> str:
    """Record the model folder; a full disk there costs the record, not the run. What went wrong."""
    try:
        record.log_files(task.folder, "model")
    except UserError as error:
        click.echo(f"warning: {error.message}", err=True)
        return error.message
    return ""


def _grid_params(settings: Settings) -> dict[str, object]:
    """What all runs of the grid share, and the grid's axes."""
    train = settings.train.model_dump()
    sections = {"grid": train.pop("grid"), "model": train.pop("model")}
    nested = {
        f"{key}.{name}": value for key, part in sections.items() for name, value in part.items()
    }
    return {"data": settings.data.name} | nested | train


if __name__ == "__main__":
    main()

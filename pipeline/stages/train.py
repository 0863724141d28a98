"""Stage ``train``: train the runs of the balanced grid, in parallel."""

from pathlib import Path

import click

from pipeline.command import Command
from pipeline.data.prepared import load_prepared
from pipeline.jobs.job import out_of_date
from pipeline.jobs.kept import KeptRuns, keeping_runs
from pipeline.jobs.searched import with_searched
from pipeline.jobs.stale import remove_stale
from pipeline.jobs.train import TrainingTask, training_task
from pipeline.models import ImageShape, build_model
from pipeline.runtime.interrupts import sigterm_as_interrupt
from pipeline.runtime.lock import sole_writer
from pipeline.runtime.workers import count_workers
from pipeline.schemas.run_card import RUN_FILES, finished_fingerprint, is_own_run
from pipeline.schemas.where import GRID_EXPERIMENT
from pipeline.settings import Settings, load_settings
from pipeline.stages.options import kept_option, worker_options


@click.command(cls=Command, epilog="Example: python -m pipeline.stages.train --workers 4")
@click.option("--params", default="params.yaml", show_default=True, help="Settings file.")
@click.option(
    "--data",
    default="data/prepared.safetensors",
    show_default=True,
    type=Path,
    help="Prepared data file.",
)
@click.option("--models", default="models", show_default=True, type=Path, help="Output folder.")
@click.option(
    "--best",
    default="results/best.json",
    show_default=True,
    type=Path,
    help="Result of the search; used if train.hyperparameters = searched.",
)
@kept_option
@worker_options
def main(
    params: str, data: Path, models: Path, best: Path, kept: Path, workers: str, threads: int
) -> None:
    """Train each run of the grid that was never trained before.

    Each finished run is kept in KEPT/models as well. So after an interruption, or with another
    grid, only what is new is trained. Runs that are not in the grid leave MODELS; whatever else is
    in the folder stays.
    """
    settings = load_settings(params)
    processes = count_workers(workers, len(settings.runs))
    with sole_writer(models, "training"), sigterm_as_interrupt():
        tasks = _tasks(settings, data, models, best, threads)
        keeping = KeptRuns(kept / "models", RUN_FILES, finished_fingerprint)
        with keeping_runs(keeping, models, tasks, is_own_run):
            todo = out_of_date(tasks, finished_fingerprint)
            if todo:
                # Imported only if there is a run to record, because importing takes seconds.
                from pipeline.jobs.training_job import train_runs
                from pipeline.runtime.tracking import Tracker

                with Tracker.open(GRID_EXPERIMENT) as tracker:
                    train_runs(
                        f"grid {settings.data.name}",
                        _grid_params(settings),
                        todo,
                        data,
                        tracker,
                        min(processes, len(todo)),
                    )
        remove_stale(models, settings.runs.keys(), RUN_FILES, is_own_run)


def _tasks(
    settings: Settings, data: Path, models: Path, best: Path, threads: int
) -> list[TrainingTask]:
    """Return a task for every run of the grid; fail early if a model cannot be built."""
    prepared = load_prepared(data, splits=("valid",))
    shape = ImageShape(*prepared.image_shape)
    runs = settings.runs
    if settings.train.hyperparameters == "searched":
        runs = with_searched(runs, best, prepared.hash)
    for run in runs.values():
        build_model(run, shape)
    return [
        training_task(name, run, models / name, prepared.hash, threads)
        for name, run in runs.items()
    ]


def _grid_params(settings: Settings) -> dict[str, object]:
    """Return the settings that all runs of the grid share, and the grid's axes."""
    train = settings.train.model_dump()
    sections = {"grid": train.pop("grid"), "model": train.pop("model")}
    nested = {
        f"{key}.{name}": value for key, part in sections.items() for name, value in part.items()
    }
    return {"data": settings.data.name} | nested | train


if __name__ == "__main__":
    main()

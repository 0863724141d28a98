"""Stage ``train``: the balanced grid, its runs side by side."""

from pathlib import Path

import click

from pipeline.data.prepared import load_prepared
from pipeline.files import move_folder, remove_others
from pipeline.jobs.train import Wanted, fingerprint, finished_fingerprint
from pipeline.models import ImageShape, build_model
from pipeline.numerics.hardware import resolve_hardware
from pipeline.runtime.interrupts import sigterm_as_interrupt
from pipeline.runtime.lock import sole_writer
from pipeline.runtime.workers import count_workers
from pipeline.schemas.search_result import with_searched
from pipeline.schemas.where import GRID_EXPERIMENT
from pipeline.settings import Settings, load_settings
from pipeline.stages.options import worker_options


@click.command(epilog="Example: python -m pipeline.stages.train --workers 4")
@click.option("--params", default="params.yaml", show_default=True, help="Settings file.")
@click.option("--data", default="data/prepared.safetensors", show_default=True, type=Path)
@click.option("--models", default="models", show_default=True, type=Path, help="Where to.")
@click.option(
    "--best",
    default="results/best.json",
    show_default=True,
    type=Path,
    help="What the search found; read where train.hyperparameters = searched.",
)
@worker_options
def main(params: str, data: Path, models: Path, best: Path, workers: str, threads: int) -> None:
    """Bring MODELS in line with the settings: train each run of the grid that is not there yet.

    Runs that are there and up to date stay, so that an interrupted training goes on where it
    was; runs that are not in the grid are removed.
    """
    settings = load_settings(params)
    processes = count_workers(workers, len(settings.runs))
    with sole_writer(models, "training"), sigterm_as_interrupt():
        todo = _missing_runs(settings, data, models, best, threads)
        kept = len(settings.runs) - len(todo)
        if kept:
            click.echo(f"{kept} of {len(settings.runs)} runs are up to date")
        if todo:
            # Imported only where there is a run to record: that takes longer than to find none.
            from pipeline.jobs.train_batch import train_batch
            from pipeline.runtime.tracking import Tracker

            train_batch(
                f"grid {settings.data.name}",
                _grid_params(settings),
                todo,
                data,
                models,
                Tracker.open(GRID_EXPERIMENT),
                min(processes, len(todo)),
                threads,
            )
        for name in remove_others(models, keep=set(settings.runs)):
            click.echo(f"removed {models / name}, which is not in the grid")


def _missing_runs(
    settings: Settings, data: Path, models: Path, best: Path, threads: int
) -> dict[str, Wanted]:
    """The runs to train; fails early where one cannot be built.

    A finished run that lies under another name, as when the grid begins to vary beta, is moved.
    """
    prepared = load_prepared(data, splits=("valid",))
    shape = ImageShape(*prepared.image_shape)
    runs = settings.runs
    if settings.train.hyperparameters == "searched":
        runs = with_searched(runs, best, prepared.hash)
    expected = {}
    for name, run in runs.items():
        build_model(run, shape)
        machine = resolve_hardware(run.device, run.precision)
        expected[name] = Wanted(run, fingerprint(run, prepared.hash, machine, threads))
    found = {folder: finished_fingerprint(folder) for folder in sorted(models.glob("*/*"))}
    missing = {}
    for name, wanted in expected.items():
        if found.get(models / name) == wanted.fingerprint:
            continue
        elsewhere = [folder for folder, there in found.items() if there == wanted.fingerprint]
        if elsewhere:
            move_folder(elsewhere[0], models / name)
        else:
            missing[name] = wanted
    return missing


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

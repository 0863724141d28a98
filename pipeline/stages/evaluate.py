"""Stage ``evaluate``: every run of the grid on the test split, side by side."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

import click
import pandas as pd

from pipeline.data.prepared import load_prepared
from pipeline.errors import UserError
from pipeline.evaluation.pictures import write_sheets
from pipeline.files import remove_others, replacing_folder
from pipeline.jobs.evaluate import (
    EvaluationTask,
    Row,
    evaluate_task,
    evaluation_fingerprint,
    finished_evaluation,
    read_arrays,
    read_row,
)
from pipeline.jobs.progress import runs_progress
from pipeline.judge.classifier import load_judge
from pipeline.runtime.interrupts import sigterm_as_interrupt
from pipeline.runtime.lock import sole_writer
from pipeline.runtime.workers import Failure, Message, Result, count_workers, side_by_side
from pipeline.schemas.metrics import METRICS, main_metrics
from pipeline.schemas.run_card import HISTORY
from pipeline.schemas.where import GRID_EXPERIMENT
from pipeline.settings import load_settings, shortest_repr
from pipeline.stages.options import worker_options

if TYPE_CHECKING:
    from pipeline.runtime.tracking import Tracker

EVALUATION = "evaluation"  # the mark of a record that holds the results of a fingerprint


@click.command(epilog="Example: python -m pipeline.stages.evaluate --workers 4")
@click.option("--params", default="params.yaml", show_default=True, help="Settings file.")
@click.option("--data", default="data/prepared.safetensors", show_default=True, type=Path)
@click.option("--models", default="models", show_default=True, type=Path)
@click.option("--judge", default="judge", show_default=True, type=Path)
@click.option("--results", default="results", show_default=True, type=Path, help="Where to.")
@worker_options
def main(
    params: str, data: Path, models: Path, judge: Path, results: Path, workers: str, threads: int
) -> None:
    """Bring RESULTS in line with the models: measure each run of the grid that is not there yet.

    Writes RESULTS/runs/<cell>/<run>/ with metrics.json and arrays.npz; and for `dvc metrics` and
    `dvc plots` each cell's means over seeds: RESULTS/cells/<cell>.json, RESULTS/curves/<cell>.csv.
    Results that are there and up to date stay; those of runs that are not in the grid are removed.
    """
    settings = load_settings(params)
    names, folder = list(settings.runs), results / "runs"
    processes = count_workers(workers, len(names))
    with sole_writer(folder, "evaluation"), sigterm_as_interrupt():
        data_hash = load_prepared(data, splits=("test",)).hash
        _, judge_card = load_judge(judge, data_hash)  # before any worker starts
        tasks = {
            name: EvaluationTask(
                name=name,
                settings=settings.evaluate,
                data_path=data,
                judge_folder=judge,
                model_folder=models / name,
                folder=folder / name,
                fingerprint=evaluation_fingerprint(
                    name, models / name, data_hash, judge_card, settings.evaluate, threads
                ),
                threads=threads,
            )
            for name in names
        }
        kept = {
            name: task
            for name, task in tasks.items()
            if finished_evaluation(task.folder) == task.fingerprint
        }
        if kept:
            click.echo(f"{len(kept)} of {len(names)} runs are up to date")
        todo = [task for name, task in tasks.items() if name not in kept]
        if todo:
            _evaluate(todo, list(kept.values()), min(processes, len(todo)))
        for name in remove_others(folder, keep=set(names)):
            click.echo(f"removed {folder / name}, which is not in the grid")
        _write_cells(results, models, [read_row(task.folder) for task in tasks.values()])


def _evaluate(todo: list[EvaluationTask], kept: list[EvaluationTask], workers: int) -> None:
    # Imported only where there is a run to record: that takes longer than to find nothing to do.
    from pipeline.runtime.tracking import Tracker

    tracker = Tracker.open(GRID_EXPERIMENT)
    for task in kept:
        _record_late(tracker, task)
    failures: list[Exception] = []
    took: dict[str, float] = {}
    start = time.perf_counter()
    with runs_progress(len(todo)) as progress:

        def tasks() -> Iterator[EvaluationTask]:
            for task in todo:
                if failures:
                    return  # what is under way ends; the rest would most likely fail as well
                progress.started(task.name)
                yield task

        with closing(side_by_side(evaluate_task, tasks(), workers)) as events:
            for event in events:
                match event:
                    case Message(task=task, content=seconds):
                        took[task.name] = seconds
                    case Result(task=task, value=row):
                        _record(tracker, task, row)
                        progress.finished(task.name, describe(row, took[task.name]))
                    case Failure(task=task, error=error):
                        progress.failed(task.name)
                        failures.append(error)
    if failures:
        raise failures[0]
    seconds = time.perf_counter() - start
    click.echo(f"evaluated {len(todo)} runs in {seconds:.0f} s with {workers} workers")


def describe(row: Row, seconds: float) -> str:
    """One line on a measured run and the time that it took."""
    nll = "" if row["nll_500"] is None else f", NLL {row['nll_500']:.2f}"
    return (
        f"{seconds:5.1f} s   test ELBO {row['elbo']:8.2f} = -(reconstruction "
        f"{row['reconstruction']:.2f} + kl {row['kl']:.2f}){nll}, {row['active_units']} of "
        f"{row['latent_dim']} units active"
    )


def _record(tracker: "Tracker", task: EvaluationTask, row: Row) -> None:
    """Add the test metrics and pictures to the run's record; the mark comes last."""
    # A model that came out of DVC's cache has no record in this store: it gets one now.
    record = tracker.resume(row["run_id"])
    known = record is not None
    if record is None:
        record = tracker.start(row["run"], {key: row[key] for key in row if key not in METRICS})
    record.log_metrics(
        {f"test/{name}": float(row[name]) for name in METRICS if row[name] is not None}
    )
    with tempfile.TemporaryDirectory() as name:
        write_sheets(Path(name), read_arrays(task.folder))
        try:
            record.log_files(Path(name), "test")
        except UserError as error:  # a full disk there costs the record, not the run
            click.echo(f"warning: {error.message}", err=True)
    record.mark(EVALUATION, task.fingerprint)
    if not known:
        record.finish()


def _record_late(tracker: "Tracker", task: EvaluationTask) -> None:
    """Record results whose evaluation was killed between writing and recording them."""
    row = read_row(task.folder)
    record = tracker.resume(row["run_id"])
    if record is not None and record.marked(EVALUATION) != task.fingerprint:
        _record(tracker, task, row)


def _write_cells(results: Path, models: Path, rows: list[Row]) -> None:
    """For ``dvc metrics`` and ``dvc plots``: a file a cell of the grid in each of two folders."""
    cells: dict[str, list[Row]] = {}
    for row in rows:
        cells.setdefault(row["run"].partition("/")[0], []).append(row)
    with (
        replacing_folder(results / "cells") as metrics,
        replacing_folder(results / "curves") as curves,
    ):
        for cell, members in cells.items():
            (metrics / f"{cell}.json").write_text(
                json.dumps(cell_means(members), indent=2) + "\n", encoding="utf-8"
            )
            beta = min((row["beta"] for row in members), key=lambda beta: abs(beta - 1))
            histories = [models / row["run"] / HISTORY for row in members if row["beta"] == beta]
            curve = mean_curve(histories).to_csv(lineterminator="\n")
            (curves / f"{cell}.csv").write_text(curve, encoding="utf-8")


def mean_curve(histories: list[Path]) -> pd.DataFrame:
    """The validation split's terms by epoch: means over runs, while all of them trained.

    Further on it would be the mean of those that did not stop early, and jump.
    """
    runs = [pd.read_csv(path) for path in histories]
    last = min(run["epoch"].max() for run in runs)
    epochs = pd.concat(runs)
    validation = epochs[(epochs["split"] == "valid") & (epochs["epoch"] <= last)]
    means: pd.DataFrame = validation.groupby("epoch")[["elbo", "reconstruction", "kl"]].mean()
    return means.round(4)


def cell_means(rows: list[Row]) -> dict[str, object]:
    """What ``dvc metrics`` shows: means over seeds, and how many runs collapsed.

    Where the grid varies beta, one such group for each; runs of different beta have no mean.
    """
    betas = sorted({row["beta"] for row in rows})
    groups: dict[str, object] = {
        f"beta-{shortest_repr(beta)}": _means([row for row in rows if row["beta"] == beta])
        for beta in betas
    }
    return groups if len(betas) > 1 else _means(rows)


def _means(rows: list[Row]) -> dict[str, object]:
    present = [name for name in METRICS if all(row[name] is not None for row in rows)]
    shown = [metric.name for metric in main_metrics(present)]
    means = {name: round(mean(row[name] for row in rows), 4) for name in shown}
    return means | {"collapsed": sum(row["collapsed"] for row in rows)}


if __name__ == "__main__":
    main()

"""Stage ``evaluate``: evaluate the runs of the grid on the test split, in parallel."""

import json
import re
from pathlib import Path
from statistics import mean

import click
import pandas as pd

from pipeline.command import Command
from pipeline.data.header import read_header
from pipeline.files import is_temporary, write_text
from pipeline.jobs.evaluation_task import (
    RESULT_FILES,
    EvaluationTask,
    evaluation_fingerprint,
    finished_evaluation,
    is_own_result,
)
from pipeline.jobs.job import out_of_date, run_job
from pipeline.jobs.kept import KeptRuns, keeping_runs
from pipeline.jobs.stale import remove_stale
from pipeline.runtime.interrupts import sigterm_as_interrupt
from pipeline.runtime.lock import sole_writer
from pipeline.runtime.workers import count_workers
from pipeline.schemas.judge_card import usable_judge_card
from pipeline.schemas.metrics import METRICS, main_metrics
from pipeline.schemas.run_card import HISTORY
from pipeline.schemas.run_row import read_row
from pipeline.schemas.tables import EPOCHS, Row
from pipeline.schemas.where import GRID_EXPERIMENT
from pipeline.settings import load_settings, shortest_repr
from pipeline.stages.options import kept_option, worker_options

TERMS = ("elbo", "reconstruction", "kl")  # the columns of a curve, after the epoch
CELL = re.compile(r"[a-z]+-\d+")  # name of a cell


@click.command(cls=Command, epilog="Example: python -m pipeline.stages.evaluate --workers 4")
@click.option("--params", default="params.yaml", show_default=True, help="Settings file.")
@click.option(
    "--data",
    default="data/prepared.safetensors",
    show_default=True,
    type=Path,
    help="Prepared data file.",
)
@click.option(
    "--models", default="models", show_default=True, type=Path, help="Folder of the models."
)
@click.option("--judge", default="judge", show_default=True, type=Path, help="Folder of the judge.")
@click.option("--results", default="results", show_default=True, type=Path, help="Output folder.")
@kept_option
@worker_options
def main(
    params: str,
    data: Path,
    models: Path,
    judge: Path,
    results: Path,
    kept: Path,
    workers: str,
    threads: int,
) -> None:
    """Evaluate each run of the grid whose results are missing or out of date.

    Writes metrics.json and arrays.npz to RESULTS/runs/<cell>/<run>/ and, for `dvc metrics` and
    `dvc plots`, each cell's means over seeds to RESULTS/cells/<cell>.json and
    RESULTS/curves/<cell>.csv. Each run's results are kept in KEPT/results as well, and used again.
    Those of runs that are not in the grid leave RESULTS; whatever else is there stays.
    """
    settings = load_settings(params)
    names, folder = list(settings.runs), results / "runs"
    processes = count_workers(workers, len(names))
    with sole_writer(folder, "evaluation"), sigterm_as_interrupt():
        data_hash = read_header(data).hash
        judge_card = usable_judge_card(judge, data_hash)  # before any worker starts
        tasks = [
            EvaluationTask(
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
        ]
        keeping = KeptRuns(kept / "results", RESULT_FILES, finished_evaluation)
        with keeping_runs(keeping, folder, tasks, is_own_result):
            _evaluate(tasks, folder.with_name(f"{folder.name}.unrecorded"), processes)
        remove_stale(folder, names, RESULT_FILES, is_own_result)
        _write_cells(results, models, [read_row(task.folder) for task in tasks])


def _evaluate(tasks: list[EvaluationTask], unrecorded: Path, processes: int) -> None:
    """Evaluate what has to be, and record what a kill or an outage left ``unrecorded``."""
    todo = out_of_date(tasks, finished_evaluation)
    if not todo and not unrecorded.exists():
        return
    # Imported only if there is a run to record, because importing takes seconds.
    from pipeline.jobs.evaluation_job import EvaluationJob
    from pipeline.runtime.tracking import Tracker

    with Tracker.open(GRID_EXPERIMENT) as tracker:
        job = EvaluationJob(tracker)
        for task in tasks:
            if task not in todo:
                job.record_late(task)
        if todo:
            unrecorded.touch()
            run_job(job, todo, min(processes, len(todo)))
        if tracker.close():
            unrecorded.unlink(missing_ok=True)


def _write_cells(results: Path, models: Path, rows: list[Row]) -> None:
    """Write one file per cell to two folders, for ``dvc metrics`` and ``dvc plots``."""
    cells: dict[str, list[Row]] = {}
    for row in rows:
        cells.setdefault(row["run"].partition("/")[0], []).append(row)
    for cell, members in cells.items():
        means = json.dumps(cell_means(members), indent=2) + "\n"
        write_text(results / "cells" / f"{cell}.json", means)
        beta = min((row["beta"] for row in members), key=lambda beta: abs(beta - 1))
        histories = [models / row["run"] / HISTORY for row in members if row["beta"] == beta]
        curve = mean_curve(histories).to_csv(lineterminator="\n")
        write_text(results / "curves" / f"{cell}.csv", curve)
    for path in (*(results / "cells").iterdir(), *(results / "curves").iterdir()):
        if path.stem not in cells and _is_own_cell(path):
            path.unlink()


def _is_own_cell(path: Path) -> bool:
    """Return whether a file is one that ``_write_cells`` wrote, for whichever cell."""
    if path.is_symlink() or not path.is_file():
        return False
    if is_temporary(path):  # left by a kill
        return True
    if not CELL.fullmatch(path.stem):
        return False
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".csv":
            return text.startswith(",".join(["epoch", *TERMS]) + "\n")
        means = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return False
    groups = means.values() if isinstance(means, dict) and "collapsed" not in means else [means]
    own = all(isinstance(group, dict) and "collapsed" in group for group in groups)
    return path.suffix == ".json" and own and bool(means)


def mean_curve(histories: list[Path]) -> pd.DataFrame:
    """Return the validation terms by epoch, averaged over runs, up to the end of the shortest.

    After that, the mean would be over the runs that did not stop early, and the curve would jump.
    """
    terms = list(TERMS)
    runs = [
        pd.DataFrame(EPOCHS.read(path, "run `dvc repro train`")).astype(
            {"epoch": int} | dict.fromkeys(terms, float)
        )
        for path in histories
    ]
    last = min(run["epoch"].max() for run in runs)
    epochs = pd.concat(runs)
    validation = epochs[(epochs["split"] == "valid") & (epochs["epoch"] <= last)]
    means: pd.DataFrame = validation.groupby("epoch")[terms].mean()
    return means.round(4)


def cell_means(rows: list[Row]) -> dict[str, object]:
    """Return what ``dvc metrics`` shows: means over seeds, and how many runs collapsed.

    If the grid varies beta, there is one group per beta: runs are not averaged over beta.
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

"""Retrain a trial with new seeds, to check its value.

The best of many noisy values is biased upwards. Seeds that were not used in the search show by how
much.
"""

from dataclasses import dataclass
from pathlib import Path

import optuna
import pandas as pd

from analysis.estimate.intervals import Interval, mean_interval
from pipeline.data.prepared import load_prepared
from pipeline.errors import UserError
from pipeline.files import write_text
from pipeline.jobs.job import out_of_date
from pipeline.jobs.train import finished_fingerprint, training_task
from pipeline.jobs.training_job import train_runs
from pipeline.runtime.tracking import Tracker
from pipeline.schemas.run_card import HISTORY, load_whole_card
from pipeline.schemas.tables import CONFIRMED, EPOCHS, Row
from pipeline.schemas.where import SEARCH_EXPERIMENT
from study.search.plan import PARENT, Plan, plan_of
from study.search.schedule import RESULT, Trial
from study.search.space import to_run

CONFIDENCE = 0.95
REMEDY = "move it away, then run `study rerun` again"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The result of a trial with new seeds.

    Attributes:
        runs: one row per seed: search, number, seed, elbo, reconstruction, kl, searched_elbo.
        elbo: mean validation ELBO over the seeds with its 95 % interval.
        searched: the ELBO in the search.
        folder: contains the model folders.
    """

    runs: pd.DataFrame
    elbo: Interval
    searched: float
    folder: Path

    @property
    def optimism(self) -> float:
        """By how much the search overestimated the ELBO, in nats."""
        return self.searched - self.elbo.mean


def confirm(
    search: optuna.Study, trial: Trial, seeds: int, data: Path, out: Path, workers: int
) -> Confirmation:
    """Train a trial's settings with new seeds; keep runs that are up to date.

    Writes one model folder per seed to ``out/confirmed/<search>/trial-<number>/``, and their values
    to ``out/confirmed.csv``.

    Args:
        search: the search, in its store.
        trial: a complete trial.
        seeds: number of new seeds.
        data: the prepared file.
        out: the results folder.
        workers: number of processes.

    Raises:
        UserError: if the search used other data, or if a run fails.
    """
    plan = plan_of(search)
    prepared = load_prepared(data, splits=("valid",))
    if prepared.hash != plan.data_hash:
        raise UserError(f"{data}: search {search.study_name} used other data")
    base = out / "confirmed" / search.study_name
    tasks = []
    for seed in new_seeds(plan, seeds):
        run = to_run(trial.params, plan.base, seed, plan.search.epochs)
        name = f"trial-{trial.number}/seed-{seed}"
        tasks.append(training_task(name, run, base / name, prepared.hash))
    todo = out_of_date(tasks, finished_fingerprint)
    if todo:
        train_runs(
            f"trial {trial.number} confirmed",
            trial.params,
            todo,
            data,
            Tracker.open(SEARCH_EXPERIMENT),
            min(workers, len(todo)),
            parent=search.user_attrs.get(PARENT),
        )
    searched = float(trial.attempt.user_attrs[RESULT]["elbo"])
    rows = [
        {
            "search": search.study_name,
            "number": trial.number,
            "seed": task.settings.seed,
            **_chosen_epoch(task.folder),
            "searched_elbo": searched,
        }
        for task in tasks
    ]
    runs = pd.DataFrame(rows)
    _merge(out / CONFIRMED.name, rows)
    elbo = mean_interval(runs["elbo"].tolist(), CONFIDENCE)
    return Confirmation(runs, elbo, searched, base / f"trial-{trial.number}")


def new_seeds(plan: Plan, count: int) -> list[int]:
    """Return seeds that no trial of the search was trained with."""
    first = plan.search.seed + plan.search.replicates
    return [(first + offset) % 2**32 for offset in range(count)]


def _chosen_epoch(folder: Path) -> dict[str, float]:
    """Return the validation split's terms at the epoch whose weights were kept."""
    card = load_whole_card(folder)
    place = (str(card.chosen_epoch), "valid")
    epochs = EPOCHS.read(folder / HISTORY, REMEDY)
    row = next(row for row in epochs if (row["epoch"], row["split"]) == place)
    return {name: float(row[name]) for name in ("elbo", "reconstruction", "kl")}


def _merge(path: Path, rows: list[Row]) -> None:
    """Add the rows to the table, replacing those of the same search and trial."""
    kept: list[Row] = []
    if path.exists():
        trial = (rows[0]["search"], str(rows[0]["number"]))
        before = CONFIRMED.read(path, REMEDY)
        kept = [row for row in before if (row["search"], row["number"]) != trial]
    write_text(path, CONFIRMED.to_csv([*kept, *rows]))

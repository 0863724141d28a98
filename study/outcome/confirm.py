"""A trial trained again with fresh seeds: what its settings are worth, and how far luck went.

The best of many noisy values is biased upwards. Seeds that had no part in the choice tell by how
much.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import optuna
import pandas as pd

from analysis.estimate.intervals import Interval, mean_interval
from pipeline.data.prepared import load_prepared
from pipeline.errors import UserError
from pipeline.files import write_text
from pipeline.jobs.train import Wanted, fingerprint, finished_fingerprint
from pipeline.jobs.train_batch import train_batch
from pipeline.numerics.hardware import resolve_hardware
from pipeline.runtime.tracking import Tracker
from pipeline.schemas.run_card import HISTORY, load_whole_card
from study.search.plan import PARENT, Plan, plan_of
from study.search.schedule import RESULT, Trial
from study.search.space import to_run
from study.store.reconcile import EXPERIMENT

CONFIRMED = "confirmed.csv"
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a trial came to with fresh seeds.

    Attributes:
        runs: one row a seed: search, number, seed, elbo, reconstruction, kl, searched_elbo.
        elbo: mean validation ELBO over the seeds with its 95 % interval.
        searched: the ELBO that the search saw.
        folder: of the model folders.
    """

    runs: pd.DataFrame
    elbo: Interval
    searched: float
    folder: Path

    @property
    def optimism(self) -> float:
        """By how much the search saw the settings better than they are, in nats."""
        return self.searched - self.elbo.mean


def confirm(
    search: optuna.Study, trial: Trial, seeds: int, data: Path, out: Path, workers: int
) -> Confirmation:
    """Train a trial's settings with fresh seeds; runs that are there already are kept.

    Writes a model folder a seed under ``out/confirmed/<search>/trial-<number>/``, and their values
    into ``out/confirmed.csv``.

    Args:
        search: in its store.
        trial: a complete one.
        seeds: how many.
        data: the prepared file.
        out: the folder of the results.
        workers: processes side by side.

    Raises:
        UserError: if the data are not the search's, or a run fails.
    """
    plan = plan_of(search)
    prepared = load_prepared(data, splits=("valid",))
    if prepared.hash != plan.data_hash:
        raise UserError(f"{data} is not the data of search {search.study_name}")
    base = out / "confirmed" / search.study_name
    wanted: dict[str, Wanted] = {}
    for seed in fresh_seeds(plan, seeds):
        run = to_run(trial.params, plan.base, seed, plan.search.epochs)
        machine = resolve_hardware(run.device, run.precision)
        name = f"trial-{trial.number}/seed-{seed}"
        wanted[name] = Wanted(run, fingerprint(run, prepared.hash, machine, 1))
    todo = {
        name: run
        for name, run in wanted.items()
        if finished_fingerprint(base / name) != run.fingerprint
    }
    if todo:
        parent = search.user_attrs.get(PARENT)
        train_batch(
            f"trial {trial.number} confirmed",
            trial.params,
            todo,
            data,
            base,
            Tracker.open(EXPERIMENT),
            min(workers, len(todo)),
            parent=parent,
        )
    searched = float(trial.attempt.user_attrs[RESULT]["elbo"])
    rows = [
        {
            "search": search.study_name,
            "number": trial.number,
            "seed": run.settings.seed,
            **_chosen_epoch(base / name),
            "searched_elbo": searched,
        }
        for name, run in wanted.items()
    ]
    runs = pd.DataFrame(rows)
    _merge(out / CONFIRMED, runs)
    elbo = mean_interval(runs["elbo"].tolist(), CONFIDENCE)
    return Confirmation(runs, elbo, searched, base / f"trial-{trial.number}")


def fresh_seeds(plan: Plan, count: int) -> list[int]:
    """Seeds that no trial of the search was trained with."""
    first = plan.search.seed + plan.search.replicates
    return [(first + offset) % 2**32 for offset in range(count)]


def _chosen_epoch(folder: Path) -> dict[str, float]:
    """The validation split's terms at the epoch whose weights were kept."""
    card = load_whole_card(folder)
    history = pd.read_csv(folder / HISTORY)
    row = history[(history["epoch"] == card.chosen_epoch) & (history["split"] == "valid")].iloc[0]
    return {name: float(row[name]) for name in ("elbo", "reconstruction", "kl")}


def _merge(path: Path, runs: pd.DataFrame) -> None:
    """Put the rows into the table, in place of those of the same search and trial."""
    key = ["search", "number"]
    if path.exists():
        before = pd.read_csv(io.StringIO(path.read_text(encoding="utf-8")))
        same = (before[key] == runs[key].iloc[0]).all(axis=1)
        runs = pd.concat([before[~same], runs], ignore_index=True)
    write_text(path, runs.to_csv(index=False, lineterminator="\n"))

"""Retrain a trial with new seeds, to check its value.

The best of many noisy values is biased upwards. Seeds that were not used in the search show by how
much.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

import optuna

from pipeline.data.prepared import load_prepared
from pipeline.errors import UserError
from pipeline.jobs.job import out_of_date
from pipeline.jobs.train import TrainingTask, training_task
from pipeline.schemas.best_card import ConfirmedRun
from pipeline.schemas.run_card import HISTORY, finished_fingerprint, load_whole_card
from pipeline.schemas.tables import EPOCHS
from pipeline.schemas.where import SEARCH_EXPERIMENT
from study.outcome.confirmed import REMEDY, Confirmation
from study.search.plan import PARENT, Plan, plan_of
from study.search.schedule import Trial, result_of
from study.search.space import to_run


def confirm(
    search: optuna.Study,
    trials: Sequence[Trial],
    seeds: Sequence[int],
    data: Path,
    out: Path,
    workers: int,
    epochs: int | None = None,
) -> list[Confirmation]:
    """Train the settings of trials with new seeds; keep runs that are up to date.

    Writes one model folder per seed to ``out/confirmed/<search>/trial-<number>/``.

    Args:
        search: the search, in its store.
        trials: complete trials.
        seeds: the new seeds.
        data: the prepared file.
        out: the results folder.
        workers: number of processes, at most.
        epochs: of each run; by default those of the search.

    Raises:
        UserError: if the search used other data, or if a run fails.
    """
    plan = plan_of(search)
    prepared = load_prepared(data, splits=("valid",))
    if prepared.hash != plan.data_hash:
        raise UserError(f"{data}: search {search.study_name} used other data")
    epochs = epochs or plan.search.epochs
    base = out / "confirmed" / search.study_name
    prefix = "" if epochs == plan.search.epochs else f"epochs-{epochs}-"
    tasks: dict[int, list[TrainingTask]] = {}
    for trial in trials:
        tasks[trial.number] = []
        for seed in seeds:
            run = to_run(trial.params, plan.base, seed, epochs)
            name = f"trial-{trial.number}/{prefix}seed-{seed}"
            tasks[trial.number].append(training_task(name, run, base / name, prepared.hash))
    todo = out_of_date([one for own in tasks.values() for one in own], finished_fingerprint)
    if todo:
        # Imported here, because they import MLflow, which takes more than a second.
        from pipeline.jobs.training_job import train_runs
        from pipeline.runtime.tracking import Tracker

        with Tracker.open(SEARCH_EXPERIMENT) as tracker:
            train_runs(
                _title(trials),
                trials[0].params if len(trials) == 1 else {},
                todo,
                data,
                tracker,
                min(workers, len(todo)),
                parent=search.user_attrs.get(PARENT),
            )
    return [
        Confirmation(
            search=search.study_name,
            number=trial.number,
            runs=tuple(_confirmed(task) for task in tasks[trial.number]),
            epochs=epochs,
            searched=result_of(trial.attempt)["elbo"],
            folder=base / f"trial-{trial.number}",
        )
        for trial in trials
    ]


def _title(trials: Sequence[Trial]) -> str:
    if len(trials) == 1:
        return f"trial {trials[0].number} confirmed"
    return f"trials {', '.join(str(trial.number) for trial in trials)} confirmed"


def new_seeds(plan: Plan, count: int, taken: Collection[int] = ()) -> list[int]:
    """Return seeds that no trial of the search was trained with.

    Args:
        plan: the search's plan.
        count: how many.
        taken: further seeds to leave out, such as those of the grid.
    """
    first = plan.search.seed + plan.search.replicates
    seeds: list[int] = []
    while len(seeds) < count:
        if first % 2**32 not in taken:
            seeds.append(first % 2**32)
        first += 1
    return seeds


def _confirmed(task: TrainingTask) -> ConfirmedRun:
    """Return the validation split's terms at the epoch whose weights were kept."""
    card = load_whole_card(task.folder)
    place = (str(card.chosen_epoch), "valid")
    epochs = EPOCHS.read(task.folder / HISTORY, REMEDY)
    row = next(row for row in epochs if (row["epoch"], row["split"]) == place)
    terms = {name: float(row[name]) for name in ("elbo", "reconstruction", "kl")}
    return ConfirmedRun(seed=task.settings.seed, **terms)

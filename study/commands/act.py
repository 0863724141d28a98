"""The commands that train a search's trials again, with new seeds."""

from collections.abc import Collection, Sequence
from pathlib import Path

import optuna
from optuna.trial import TrialState

from analysis.estimate.intervals import mean_interval
from analysis.present.intervals import format_estimate
from analysis.words import format_number, pluralise
from pipeline.errors import UserError
from pipeline.runtime.workers import count_workers
from pipeline.schemas.tables import CONFIRMED
from study.commands.chosen import chosen_search
from study.commands.contents import state_of
from study.commands.lines import say
from study.commands.tables import new_table, print_table
from study.outcome.confirm import confirm, new_seeds
from study.outcome.confirmed import Confirmation, record_confirmations
from study.outcome.describe import format_briefly
from study.outcome.ranking import ranked
from study.search.plan import plan_of
from study.search.schedule import Trial
from study.store.deletion import explain_deletion
from study.store.searches import all_trials, find_trial

CONFIDENCE = 0.95
CONFIRM_SEEDS = 5  # of `study run --confirm`


def rerun_command(
    url: str, name: str | None, number: int, seeds: int, data: Path, out: Path, workers: str
) -> None:
    """Retrain a trial with new seeds and show by how much the search misjudged its value."""
    search = chosen_search(url, name)
    trial = find_trial(search, number)
    if trial.attempt.state != TrialState.COMPLETE:
        state = state_of(trial)
        raise UserError(f"trial {number} is {state}; only a complete trial can be confirmed")
    new = new_seeds(plan_of(search), seeds)
    (found,) = confirm(search, [trial], new, data, out, count_workers(workers, seeds))
    record_confirmations(out / CONFIRMED.name, [found])
    table = new_table()
    for heading in ("seed", "elbo", "reconstruction", "kl"):
        table.add_column(heading, justify="right")
    for run in found.runs:
        table.add_row(
            str(run.seed), f"{run.elbo:.2f}", f"{run.reconstruction:.2f}", f"{run.kl:.2f}"
        )
    print_table(table, f"Trial {number} with new seeds, validation split")
    elbo = mean_interval(found.elbos, CONFIDENCE)
    optimism = found.searched - elbo.mean
    say(
        f"elbo over {pluralise(seeds, 'seed')}: {format_estimate(elbo)} nats per image; the search "
        f"found {format_number(found.searched)}, {'better' if optimism >= 0 else 'worse'} by "
        f"{format_number(abs(optimism))}"
    )
    say(f"models: {found.folder}")


def confirm_best(
    search: optuna.Study, count: int, taken: Collection[int], data: Path, out: Path, workers: str
) -> None:
    """Retrain the best trials of different settings with new seeds, and rank them by their means.

    Args:
        search: a search with complete trials.
        count: how many trials.
        taken: seeds of the grid, which are not new.
        data: the prepared file.
        out: the results folder.
        workers: number of processes, or ``auto``.
    """
    with explain_deletion(search):
        plan = plan_of(search)
        best = ranked(all_trials(search), plan)[:count]
    if not best:
        return
    seeds = new_seeds(plan, CONFIRM_SEEDS, taken)
    say(f"confirming the best {pluralise(len(best), 'trial')} with {len(seeds)} new seeds")
    processes = count_workers(workers, len(best) * len(seeds))
    found = confirm(search, best, seeds, data, out, processes)
    record_confirmations(out / CONFIRMED.name, found)
    _show_confirmed(found, best)


def _show_confirmed(found: Sequence[Confirmation], trials: Sequence[Trial]) -> None:
    """Print what trials reached with new seeds, the best mean first."""
    settings = {trial.number: format_briefly(trial.params) for trial in trials}
    means = {one.number: mean_interval(one.elbos, CONFIDENCE) for one in found}
    table = new_table()
    for heading in ("trial", "searched elbo", "seeds", "mean elbo, interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("settings")
    for one in sorted(found, key=lambda one: -means[one.number].mean):
        table.add_row(
            str(one.number),
            f"{one.searched:.2f}",
            str(len(one.runs)),
            format_estimate(means[one.number]),
            settings[one.number],
        )
    print_table(table, "Confirmed with new seeds: validation split, nats per image")

"""Stage ``search``: search the settings, and export the result for the stages that follow."""

from contextlib import suppress
from pathlib import Path

import click
import optuna

from pipeline.command import Command
from pipeline.errors import UserError
from pipeline.runtime.address import hide_secrets_in_tracebacks
from pipeline.runtime.workers import count_workers
from pipeline.settings import Settings, load_settings
from study.commands.options import DATA, PARAMS, STORAGE, WORKERS
from study.commands.run import search_and_summarise
from study.outcome.confirm import confirm, new_seeds
from study.outcome.confirmed import Confirmation
from study.outcome.export import export, exported_trials
from study.outcome.ranking import best_of_architectures
from study.search.plan import plan_of
from study.search.schedule import Trial
from study.store.deletion import explain_deletion
from study.store.storage import explain_full_disk


@click.command(cls=Command, epilog="Example: python -m study.stage")
@PARAMS
@DATA
@click.option("--results", default="results", show_default=True, type=Path, help="Output folder.")
@STORAGE
@WORKERS
def main(params: Path, data: Path, results: Path, storage: str, workers: str) -> None:
    """Run the search of section `search`, then write its outcome into RESULTS.

    The files are trials.csv, best.json and importance.csv. They contain exactly the first
    search.trials finished trials, in the search's order, even if the store has more: on one machine
    with the same data and code they depend on the settings alone. The best trial of each
    architecture is confirmed with search.confirm new seeds, at the epochs of the grid.
    """
    hide_secrets_in_tracebacks()
    settings = load_settings(params)
    outcome = search_and_summarise(settings, data, workers, None, storage, None)
    if outcome.stopped:
        raise UserError(f"{outcome.stopped}; run `dvc repro` again to resume")
    with explain_full_disk(storage), explain_deletion(outcome.search):
        found = _confirm(outcome.search, settings, data, results, workers)
        export(outcome.search, results, settings.search.trials, found, remember=True)


def _confirm(
    search: optuna.Study, settings: Settings, data: Path, results: Path, workers: str
) -> dict[int, Confirmation]:
    """Train the best trial of each architecture with seeds that are new to search and grid."""
    plan = plan_of(search)
    best = best_of_architectures(exported_trials(search, settings.search.trials), plan)
    seeds = new_seeds(plan, settings.search.confirm, settings.train.grid.seeds)
    if not best or not seeds:
        return {}
    processes = count_workers(workers, len(best) * len(seeds))
    epochs = settings.train.epochs

    def confirmed(trials: list[Trial]) -> dict[int, Confirmation]:
        found = confirm(search, trials, seeds, data, results, processes, epochs)
        return {one.number: one for one in found}

    trials = list(best.values())
    with suppress(UserError):
        return confirmed(trials)
    # Settings that diverge with a new seed should not cost the others their confirmation.
    found: dict[int, Confirmation] = {}
    for trial in trials:
        try:
            found |= confirmed([trial])
        except UserError as error:
            click.echo(f"warning: trial {trial.number} is not confirmed: {error.message}", err=True)
    return found


if __name__ == "__main__":
    main()

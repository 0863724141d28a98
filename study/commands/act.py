"""The commands that act on a search's trials: rerun, export and delete."""

from pathlib import Path

import click
import optuna
from optuna.trial import TrialState

from analysis.present.intervals import format_estimate
from analysis.words import format_number
from pipeline.errors import UserError
from pipeline.runtime.workers import count_workers
from study.commands.show import state_of
from study.commands.tables import new_table, print_table
from study.outcome.confirm import confirm
from study.outcome.export import export
from study.store.searches import all_trials, find_search, find_trial
from study.store.storage import fail_dead_attempts, open_storage


def rerun_command(
    url: str, name: str | None, number: int, seeds: int, data: Path, out: Path, workers: str
) -> None:
    """Retrain a trial with new seeds and show by how much the search misjudged its value."""
    search = find_search(url, name)
    trial = find_trial(search, number)
    if trial.attempt.state != TrialState.COMPLETE:
        state = state_of(trial)
        raise UserError(f"trial {number} is {state}; only a complete trial can be confirmed")
    found = confirm(search, trial, seeds, data, out, count_workers(workers, seeds))
    table = new_table(f"Trial {number} with new seeds, validation split")
    for heading in ("seed", "elbo", "reconstruction", "kl"):
        table.add_column(heading, justify="right")
    for row in found.runs.itertuples():
        table.add_row(
            str(row.seed), f"{row.elbo:.2f}", f"{row.reconstruction:.2f}", f"{row.kl:.2f}"
        )
    print_table(table)
    direction = "better" if found.optimism >= 0 else "worse"
    click.echo(
        f"elbo over {seeds} seeds: {format_estimate(found.elbo)} nats per image; the search found "
        f"{format_number(found.searched)}, {direction} by {format_number(abs(found.optimism))}"
    )
    click.echo(f"models: {found.folder}")


def export_command(url: str, name: str | None, out: Path) -> None:
    """Write a search's trials and best settings as files."""
    for path in export(find_search(url, name), out):
        click.echo(str(path))


def delete_command(url: str, name: str) -> None:
    """Delete a search with all its trials.

    Raises:
        UserError: if a process is working on it.
    """
    search = find_search(url, name)
    fail_dead_attempts(search)
    trials = all_trials(search)
    if any(trial.is_running for trial in trials):
        raise UserError(f"search {name} is running; stop it first (Ctrl-C in its `study run`)")
    optuna.delete_study(study_name=name, storage=open_storage(url))
    click.echo(f"deleted {name} with its {len(trials)} trials; the records in MLflow are kept")

"""What the commands of the search do, apart from reading the command line."""

from pathlib import Path
from typing import Any

import click
import optuna
from optuna.trial import FrozenTrial
from rich.console import Console
from rich.table import Table

from pipeline.data import load_prepared
from pipeline.errors import UserError
from pipeline.settings import SettingsError, load_settings, parse_settings
from pipeline.workers import count_workers
from study.export import export
from study.plan import Plan, plan_of
from study.progress import settings_of
from study.ranking import ranked
from study.storage import open_storage, quiet_optuna
from study.supervisor import Outcome, open_search, run_search
from study.worker import EXPERIMENT, load_search

STATES = ("COMPLETE", "PRUNED", "RUNNING", "WAITING", "FAIL")


def run_command(
    params: Path,
    data: Path,
    changes: dict[str, Any],
    workers: str,
    timeout: float | None,
    url: str,
    name: str | None,
) -> None:
    """Run a search and show what it came to."""
    quiet_optuna()
    content = load_settings(params).model_dump(mode="json")
    content["search"] |= changes
    settings = parse_settings(content, "the command line")
    prepared = load_prepared(data, splits=("valid",))
    if prepared.name != settings.data.name:
        raise SettingsError(
            f"{params}: data.name = {settings.data.name}, but {data} holds {prepared.name}; run "
            "`dvc repro prepare`"
        )
    plan = Plan.of(settings, prepared.hash)
    target = settings.search.trials
    search, new = open_search(url, plan, name or plan.name, target)
    said = "a new search" if new else "an existing search, which goes on"
    click.echo(f"{search.study_name}: {said}; to {target} finished trials")
    if settings.search.objective == "rate-distortion" and settings.search.pruner != "none":
        click.echo("two objectives: no trial is pruned")
    outcome = run_search(url, search, data, count_workers(workers, target), timeout)
    _conclude(outcome, target)


def _conclude(outcome: Outcome, target: int) -> None:
    finished = len(outcome.trials)
    if outcome.ran == 0 and finished >= target:
        click.echo(f"nothing to do: the search has {finished} finished trials")
    show_best(outcome.search, 5)
    if finished < target:
        click.echo(f"{finished} of {target} trials are finished; run the same again to go on")
    click.echo(f"one trial: study show NUMBER; as files: study export; in MLflow: {EXPERIMENT}")


def best_command(url: str, name: str | None, count: int) -> None:
    """Show the best trials of a search."""
    quiet_optuna()
    show_best(load_search(url, name or _newest(url)), count)


def export_command(url: str, name: str | None, out: Path) -> None:
    """Write a search's trials and best settings as files."""
    quiet_optuna()
    for path in export(load_search(url, name or _newest(url)), out):
        click.echo(str(path))


def show_command(url: str, name: str | None, number: int) -> None:
    """Show all that is known of one trial."""
    quiet_optuna()
    search = load_search(url, name or _newest(url))
    trials = _trials(search)
    if not 0 <= number < len(trials):
        raise UserError(
            f"search {search.study_name} has no trial {number}; it has 0 to {len(trials) - 1}"
        )
    trial = trials[number]
    rows: dict[str, object] = {"search": search.study_name, "state": trial.state.name.lower()}
    rows |= trial.params
    rows |= trial.user_attrs
    rows |= {f"step {step}": value for step, value in trial.intermediate_values.items()}
    table = Table(title=f"Trial {number}", show_header=False)
    for key, value in rows.items():
        table.add_row(key, f"{value:.4g}" if isinstance(value, float) else str(value))
    Console().print(table)


def delete_command(url: str, name: str) -> None:
    """Delete a search with all its trials."""
    quiet_optuna()
    count = len(_trials(load_search(url, name)))
    optuna.delete_study(study_name=name, storage=open_storage(url))
    click.echo(f"deleted {name} with its {count} trials; the records in MLflow stay")


def status_command(url: str) -> None:
    """List the searches of a store."""
    quiet_optuna()
    table = Table()
    table.add_column("search")
    for state in STATES:
        table.add_column(state.lower(), justify="right")
    storage = open_storage(url)
    for name in sorted(optuna.get_all_study_names(storage)):
        search = optuna.load_study(study_name=name, storage=storage)
        states = [trial.state.name for trial in _trials(search)]
        table.add_row(name, *(str(states.count(state)) for state in STATES))
    Console().print(table)


def show_best(search: optuna.Study, count: int) -> None:
    """Print the best trials, or the Pareto front of two objectives."""
    plan = plan_of(search)
    trials = ranked(_trials(search), plan)[:count]
    if not trials:
        click.echo("no trial is complete yet")
        return
    two = len(plan.directions) > 1
    headings = ("reconstruction", "kl") if two else (plan.search.objective,)
    table = Table(
        title="Pareto front" if two else f"Best by validation {headings[0]}, nats per image"
    )
    for heading in ("trial", *headings):
        table.add_column(heading, justify="right")
    table.add_column("settings")
    for trial in trials:
        values = [f"{value:.2f}" for value in trial.values]
        table.add_row(str(trial.number), *values, settings_of(trial))
    Console().print(table)


def _trials(search: optuna.Study) -> list[FrozenTrial]:
    return search.get_trials(deepcopy=False)


def _newest(url: str) -> str:
    summaries = optuna.get_all_study_summaries(open_storage(url))
    started = [summary for summary in summaries if summary.datetime_start is not None]
    if not started:
        raise UserError(f"{url} holds no search; start one with `study run`")
    return max(started, key=lambda summary: str(summary.datetime_start)).study_name

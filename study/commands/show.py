"""The commands that show searches: list, status, best, show and importance."""

from collections.abc import Sequence
from datetime import datetime

import click

from study.commands.tables import new_table, print_table, show_best
from study.outcome.describe import describe_best, format_params
from study.outcome.ranking import ranked
from study.search.plan import TARGET, plan_of
from study.search.schedule import RESULT, TRACEBACK, Trial
from study.store.searches import all_searches, all_trials, find_search, find_trial
from study.store.storage import quiet_optuna

STATES = ("complete", "pruned", "failed", "running", "lost")


def list_command(url: str) -> None:
    """List the searches of a store."""
    quiet_optuna()
    table = new_table()
    table.add_column("search", no_wrap=True)
    for heading in ("to do", "complete", "pruned", "failed", "running", "best"):
        table.add_column(heading, justify="right")
    table.add_column("started", no_wrap=True)
    for search in all_searches(url):
        trials, plan = all_trials(search), plan_of(search)
        counts = _counts(trials)
        to_do = max(0, int(search.user_attrs[TARGET]) - counts["complete"] - counts["pruned"])
        best = ranked((trial.attempt for trial in trials), plan)
        value = f"{best[0].values[0]:.2f}" if best and len(plan.directions) == 1 else ""
        starts = [one.datetime_start for trial in trials for one in trial.attempts]
        started = min((start for start in starts if start), default=None)
        cells = [str(counts[key]) for key in ("complete", "pruned", "failed", "running")]
        date = f"{started:%Y-%m-%d %H:%M}" if started else ""
        table.add_row(search.study_name, str(to_do), *cells, value, date)
    if not table.row_count:
        click.echo(f"{url} contains no search; start one with `study run`")
        return
    print_table(table)


def status_command(url: str, name: str | None) -> None:
    """Show the progress of a search."""
    search = find_search(url, name)
    plan, trials = plan_of(search), all_trials(search)
    counts = _counts(trials)
    finished = counts["complete"] + counts["pruned"]
    click.echo(click.style(search.study_name, bold=True))
    click.echo(
        f"{finished} of {search.user_attrs[TARGET]} trials finished: {counts['complete']} "
        f"complete, {counts['pruned']} pruned; {counts['failed']} failed, {counts['running']} "
        f"running, {counts['lost']} to be retried"
    )
    best = ranked((trial.attempt for trial in trials), plan)
    if best:
        click.echo(describe_best(best, plan))
    for trial in trials:
        if trial.is_running:
            since = trial.attempt.datetime_start
            seconds = (datetime.now() - since).total_seconds() if since else 0.0
            params = format_params(trial.attempt)
            click.echo(f"running trial {trial.number}, {seconds:.0f} s, {params}")


def best_command(url: str, name: str | None, count: int) -> None:
    """Show the best trials of a search."""
    search = find_search(url, name)
    show_best(all_trials(search), plan_of(search), count)


def show_command(url: str, name: str | None, number: int) -> None:
    """Show everything that is known about one trial."""
    search = find_search(url, name)
    trial = find_trial(search, number)
    attempt = trial.attempt
    attributes = dict(attempt.user_attrs)
    trace = attributes.pop(TRACEBACK, "")
    rows: dict[str, object] = {"search": search.study_name, "state": state_of(trial)}
    if trial.reason:
        rows["reason"] = trial.reason
    rows |= attempt.params
    rows |= attributes.pop(RESULT, {})
    rows |= {f"compared at {step}": value for step, value in attempt.intermediate_values.items()}
    rows["MLflow run"] = attributes.get("run_id", "none")
    rows["Optuna trial"] = ", ".join(_in_optuna(trial))
    table = new_table(f"Trial {number}", show_header=False)
    for key, value in rows.items():
        table.add_row(key, f"{value:.4g}" if isinstance(value, float) else str(value))
    print_table(table)
    if any(one.number != number for one in trial.attempts):
        click.echo(
            "Optuna and its dashboard number attempts, so their numbers run ahead once an attempt "
            "was retried."
        )
    if trace:
        click.echo(trace)


def importance_command(url: str, name: str | None) -> None:
    """Show which share of the objective's variance each hyperparameter explains."""
    # Imported here, because it imports pandas, which the other commands do not need.
    from study.outcome.fanova import importances

    search = find_search(url, name)
    groups = importances(all_trials(search))
    table = new_table(f"Share of the variance of {plan_of(search).search.objective} (fANOVA)")
    table.add_column("hyperparameter")
    for group in groups:
        table.add_column(f"{group.group}\n{group.trials} trials", justify="right")
    for key in dict.fromkeys(key for group in groups for key in group.shares):
        cells = [f"{group.shares[key]:.0%}" if key in group.shares else "" for group in groups]
        table.add_row(key, *cells)
    print_table(table)
    epoch = groups[0].epoch
    what = "the last epoch of complete trials" if epoch is None else f"epoch {epoch} of all trials"
    click.echo(
        f"based on the value after {what}; the sampler chose the trials, so this is a hint where "
        "to look, not an estimate"
    )


def state_of(trial: Trial) -> str:
    """Return one of ``STATES``; a lost trial will be retried."""
    if trial.has_failed:
        return "failed"
    if trial.is_ended or trial.is_running:
        return trial.attempt.state.name.lower()
    return "lost"


def _counts(trials: Sequence[Trial]) -> dict[str, int]:
    states = [state_of(trial) for trial in trials]
    return {state: states.count(state) for state in STATES}


def _in_optuna(trial: Trial) -> list[str]:
    """``7 (complete)``, or several, for a trial that was retried."""
    return [f"{one.number} ({one.state.name.lower()})" for one in trial.attempts]

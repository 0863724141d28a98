"""The commands that show searches: list, status, best, show and importance.

What they show is built by `contents` and `details`. Each prints it as a table or as JSON.
"""

import click

from pipeline.errors import command_to_type
from study.commands.chosen import chosen_search
from study.commands.contents import SearchSummary, best_of, summary_of
from study.commands.details import TrialDetails, details_of
from study.commands.document import print_json
from study.commands.lines import hang, say
from study.commands.shares import ParameterShare, shares_of
from study.commands.tables import has_room, new_table, print_table, show_best
from study.outcome.describe import describe_front, format_briefly
from study.store.address import EmptyStoreError, shown
from study.store.quiet import quiet_optuna
from study.store.searches import all_searches, find_trial

LABEL = 10  # width of the labels of `study status`


def list_command(url: str, as_json: bool) -> None:
    """List the searches of a store."""
    quiet_optuna()
    try:
        searches, unreadable = all_searches(url)
    except EmptyStoreError as error:
        print_json([]) if as_json else click.echo(error.format_message())
        return
    summaries = [summary_of(search) for search in searches]
    for one in unreadable:
        click.echo(one.format_message(), err=True)
    if as_json:
        print_json(summaries)
    elif summaries:
        _print_list(summaries)
    elif not unreadable:
        start = command_to_type("study run")
        click.echo(f"{shown(url)} contains no search; start one with `{start}`")


def _print_list(summaries: list[SearchSummary]) -> None:
    table = new_table()
    table.add_column("search")
    for heading in ("finished", "pruned", "failed", "running", "best"):
        table.add_column(heading, justify="right", no_wrap=True)
    if has_room():
        table.add_column("started", no_wrap=True)
    for one in summaries:
        cells = [str(one.counts[state]) for state in ("pruned", "failed", "running")]
        value = one.best[0].values.get(one.objective) if one.best else None  # two have no best
        cells.append(f"{value:.2f}" if value is not None else "")
        if has_room():
            cells.append(f"{one.started:%Y-%m-%d}" if one.started else "")
        table.add_row(one.search, f"{one.finished}/{one.target}", *cells)
    print_table(table)


def status_command(url: str, name: str | None, as_json: bool) -> None:
    """Show the progress of a search."""
    summary = summary_of(chosen_search(url, name))
    if as_json:
        print_json(summary)
        return
    counts = summary.counts
    click.echo(click.style(summary.search, bold=True))
    rows = [
        (
            "trials",
            f"{summary.finished} of {summary.target} trials finished: {counts['complete']} "
            f"complete, {counts['pruned']} pruned; {counts['failed']} failed, {counts['running']} "
            f"running, {counts['lost']} to be retried",
        )
    ]
    if summary.done and summary.finished < summary.target:
        rows.append(("", "each point of the space has been tried, so the search has ended"))
    if summary.objective == "rate-distortion" and summary.best:
        rows.append(("best", describe_front(len(summary.best))))
    elif summary.best:
        (best,) = summary.best
        settings = format_briefly(best.params)
        value = f"{summary.objective} {best.values[summary.objective]:.2f}"
        rows.append(("best", f"trial {best.number}, {value}: {settings}"))
    for running in summary.running:
        settings = format_briefly(running.params)
        rows.append(("running", f"trial {running.number}, {running.seconds:.0f} s: {settings}"))
    for label, text in rows:
        click.echo(f"{label:<{LABEL}}{hang(text, LABEL)}")


def best_command(url: str, name: str | None, count: int, as_json: bool) -> None:
    """Show the best trials of a search."""
    best = best_of(chosen_search(url, name), count)
    if as_json:
        print_json(best)
    else:
        click.echo(click.style(best.search, bold=True))
        show_best(best.trials, best.objective)


def show_command(url: str, name: str | None, number: int, as_json: bool) -> None:
    """Show everything that is known about one trial."""
    search = chosen_search(url, name)
    details = details_of(search, find_trial(search, number))
    if as_json:
        print_json(details)
    else:
        _print_details(details)


def _print_details(one: TrialDetails) -> None:
    rows: dict[str, str] = {"search": one.search, "state": one.state}
    if one.reason is not None:
        rows["reason"] = one.reason
    if one.same_as is not None:
        rows["same settings as"] = f"trial {one.same_as}"
    for key, value in one.params.items():
        rows[key] = f"{value:.4g}" if isinstance(value, float) else str(value)
    numbers = one.values | one.metrics
    rows |= {key: f"{value:.2f}" for key, value in numbers.items() if value is not None}
    if one.epochs is not None:
        rows["epochs"] = str(one.epochs)
    if one.seconds is not None:
        rows["seconds"] = f"{one.seconds:.1f}"
    rows |= {f"compared at {at.epoch}": f"{at.value:.2f}" for at in one.compared}
    rows["MLflow run"] = one.mlflow_run or "none"
    rows["Optuna trial"] = ", ".join(f"{at.optuna_number} ({at.state})" for at in one.attempts)
    table = new_table(show_header=False)
    for key, text in rows.items():
        table.add_row(key, text)
    print_table(table, f"Trial {one.number}")
    if any(attempt.optuna_number != one.number for attempt in one.attempts):
        note = (
            "Optuna and its dashboard number attempts, so their numbers run ahead once an attempt "
            "was retried."
        )
        say(note)
    if one.traceback is not None:
        click.echo(one.traceback)


def importance_command(url: str, name: str | None, as_json: bool) -> None:
    """Show which share of the objective's variance each hyperparameter explains."""
    found = shares_of(chosen_search(url, name))
    if as_json:
        print_json(found)
        return
    click.echo(click.style(found.search, bold=True))
    table = new_table()
    table.add_column("hyperparameter")
    for group in found.groups:
        table.add_column(f"{group.group}\n{group.trials} complete trials", justify="right")
    columns = [{one.parameter: one for one in group.shares} for group in found.groups]
    for key in dict.fromkeys(key for column in columns for key in column):
        table.add_row(key, *(_share(column[key]) if key in column else "" for column in columns))
    print_table(table, f"Share of the variance of {found.objective} (fANOVA)")
    note = (
        "with 95 % intervals over bootstrapped trials; the sampler chose the trials, so this is a "
        "hint, not an estimate"
    )
    say(note)


def _share(share: ParameterShare) -> str:
    return f"{share.importance:.0%} [{share.low:.0%}, {share.high:.0%}]"

"""Tables for the terminal."""

from collections.abc import Sequence

import click
from rich import box
from rich.console import Console
from rich.table import Table

from study.outcome.describe import format_params
from study.outcome.ranking import ranked
from study.search.plan import Plan
from study.search.schedule import RESULT, TRIAL, Trial

LOG_WIDTH = 160  # characters per line in a file or a pipe


def new_table(title: str = "", show_header: bool = True) -> Table:
    """Return an empty table in our one style."""
    return Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD if show_header else None,
        show_header=show_header,
        pad_edge=False,
    )


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal, or as ``LOG_WIDTH`` in a log."""
    console = Console(highlight=False)
    if not console.is_terminal:
        # A log has no width of its own, and a truncated name could not be copied from it.
        console = Console(highlight=False, width=LOG_WIDTH)
    console.print(table)


def show_best(trials: Sequence[Trial], plan: Plan, count: int) -> None:
    """Print the best trials, or the Pareto front of two objectives."""
    best = ranked((trial.attempt for trial in trials), plan)
    if not best:
        click.echo("no trial is complete yet")
        return
    two = len(plan.directions) > 1
    title = "Pareto front" if two else f"Best by {plan.search.objective}"
    names = ["elbo", "reconstruction", "kl"]
    if plan.search.objective == "nll":
        names.insert(0, "nll")
    if plan.search.replicates > 1:
        names.append("spread")
    table = new_table(f"{title}: validation split, nats per image")
    for heading in ("trial", *names, "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("settings")
    for attempt in best[:count]:
        result = attempt.user_attrs[RESULT]
        values = [f"{result[name]:.2f}" for name in names]
        seconds = f"{result['seconds']:.0f}"
        number = str(attempt.user_attrs[TRIAL])
        table.add_row(number, *values, seconds, format_params(attempt))
    print_table(table)

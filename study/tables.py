"""Tables on the terminal: what the commands of the search show."""

from collections.abc import Sequence

import click
from rich import box
from rich.console import Console
from rich.table import Table

from study.search.plan import Plan
from study.search.ranking import ranked
from study.search.schedule import RESULT, TURN, Turn
from study.workers.progress import settings_of

LOG_WIDTH = 160  # characters of a table in a file or a pipe


def new_table(title: str = "", show_header: bool = True) -> Table:
    """An empty table in the one style of all."""
    return Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD if show_header else None,
        show_header=show_header,
        pad_edge=False,
    )


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal is, or as a log may be."""
    console = Console(highlight=False)
    if not console.is_terminal:
        # A log has no width of its own, and a name that is cut there cannot be copied.
        console = Console(highlight=False, width=LOG_WIDTH)
    console.print(table)


def show_best(turns: Sequence[Turn], plan: Plan, count: int) -> None:
    """Print the best trials, or the Pareto front of two objectives."""
    trials = ranked([turn.trial for turn in turns], plan)
    if not trials:
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
    for trial in trials[:count]:
        result = trial.user_attrs[RESULT]
        values = [f"{result[name]:.2f}" for name in names]
        seconds = f"{result['seconds']:.0f}"
        table.add_row(str(trial.user_attrs[TURN]), *values, seconds, settings_of(trial))
    print_table(table)

"""Tables for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from rich import box
from rich.table import Table

from pipeline.jobs.console import new_console
from pipeline.settings import Objective

if TYPE_CHECKING:
    from study.commands.contents import RankedTrial

LOG_WIDTH = 160  # characters per line in a file or a pipe
ROOM_FOR_MORE = 72  # characters; a narrower terminal leaves out what matters least


def new_table(show_header: bool = True) -> Table:
    """Return an empty table in our one style."""
    return Table(
        box=box.SIMPLE_HEAD if show_header else None,
        show_header=show_header,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1 if show_header else 2, 0, 0),  # narrow, so that our tables fit 80 columns
    )


def print_table(table: Table, title: str = "") -> None:
    """Print a table as wide as the terminal, or as ``LOG_WIDTH`` in a log."""
    if title:  # not the table's own, which would be wrapped to the table's width
        click.echo(click.style(title, bold=True))
    console = new_console()
    if not console.is_terminal:
        # A log has no width of its own, and a truncated name could not be copied from it.
        console = new_console(LOG_WIDTH)
    for column in table.columns:  # a long word continues in the next line, and nothing is cut
        column.overflow = "fold"
    console.print(table)


def has_room() -> bool:
    """Return whether a table may have all of its columns."""
    console = new_console()
    return not console.is_terminal or console.width >= ROOM_FOR_MORE


def show_best(best: Sequence["RankedTrial"], objective: Objective) -> None:
    """Print the best trials, or the Pareto front of two objectives."""
    from study.outcome.describe import format_briefly  # imports optuna, which tables do not need

    if not best:
        click.echo("no trial is complete yet")
        return
    kind = "Pareto front" if objective == "rate-distortion" else f"Best by {objective}"
    names = ["elbo", "reconstruction", "kl"]
    if objective == "nll":
        names.insert(0, "nll")
    if best[0].metrics["spread"] is not None:  # a search has replicates, or none of its trials has
        names.append("spread")
    table = new_table()
    for heading in ("trial", *names, *(["seconds"] if has_room() else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("settings")
    for trial in best:
        values = [f"{trial.metrics[name]:.2f}" for name in names]
        if has_room():
            values.append(f"{trial.seconds:.0f}")
        table.add_row(str(trial.number), *values, format_briefly(trial.params))
    print_table(table, f"{kind}: validation split, nats per image")

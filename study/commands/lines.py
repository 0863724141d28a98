"""Lines for the terminal; loads nothing heavy."""

import shutil
import sys
import textwrap
from collections.abc import Mapping

import click


def say(text: str) -> None:
    """Print a text, wrapped at words at a terminal."""
    click.echo(hang(text, 0))


def print_rows(rows: Mapping[str, str]) -> None:
    """Print texts, each behind its label.

    Four spaces separate a command from what it does; where both do not fit into a line, the latter
    goes to the next, so that the command can be copied.
    """
    width = max(map(len, rows)) + 2
    for label, text in rows.items():
        command, _, what = text.partition("    ")
        shown = text if fits(text, width) else f"{command}\n{' ' * width}{hang(what, width)}"
        if not what:
            shown = hang(text, width)
        click.echo(click.style(f"{label:<{width}}", bold=True) + shown)


def fits(text: str, indent: int) -> bool:
    """Return whether a text fits into a line behind an indent; any does in a file or a pipe."""
    return not sys.stdout.isatty() or len(text) <= shutil.get_terminal_size().columns - indent


def hang(text: str, indent: int) -> str:
    """Wrap text that begins in column ``indent`` so that its other lines begin there too.

    Lines in a file or a pipe are not wrapped, because whoever searches them reads line by line.
    """
    if not sys.stdout.isatty():
        return text
    width = max(20, shutil.get_terminal_size().columns - indent)
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return f"\n{' ' * indent}".join(lines)

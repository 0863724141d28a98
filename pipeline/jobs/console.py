"""Where output goes: a terminal, a log, or a terminal whose user wants no escape sequences."""

import os
import textwrap

from rich.console import Console
from rich.markup import escape


def is_plain() -> bool:
    """Return whether the user wants no escape sequences (https://no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))


def new_console(width: int | None = None) -> Console:
    """Return a console that writes escape sequences only to a terminal whose user wants them."""
    if is_plain():
        return Console(highlight=False, width=width, color_system=None, force_interactive=False)
    return Console(highlight=False, width=width)


def shows_bars(console: Console) -> bool:
    """Return whether bars can move on a console, which takes escape sequences."""
    return console.is_terminal and not console.is_dumb_terminal and not is_plain()


def print_line(console: Console, line: str, indent: int) -> None:
    """Print a line; a terminal that is too narrow gets its continuation with an indent."""
    if console.is_terminal:
        width, start = max(console.width, 2 * indent), " " * indent
        line = textwrap.fill(line, width, subsequent_indent=start, break_on_hyphens=False)
    console.print(escape(line), soft_wrap=True, highlight=False)

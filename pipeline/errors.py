"""The base class of all errors that a user can fix, and how messages show commands."""

import os
import re
import shlex
import sys
from pathlib import Path

import click

LONGEST = 1500  # characters of a message; the remedy at its end is kept
_COMMAND = re.compile(r"`((?:dvc|mlflow|study) [^`]*)`")


class UserError(click.ClickException):
    """Invalid input or environment, in one line: what is wrong, where, which rule, what to do.

    Every command is a click command; click prints such an error without a traceback and exits
    with ``exit_code``. Unexpected errors are other exceptions and keep their traceback.
    """

    exit_code = 2

    def format_message(self) -> str:
        """Return the message in one line, with its commands as they have to be typed."""
        return cut(in_one_line(with_commands_to_type(self.message)), LONGEST)


def with_commands_to_type(message: str) -> str:
    """Return a message whose commands in backquotes work as shown; see ``command_to_type``."""
    return _COMMAND.sub(lambda found: f"`{command_to_type(found[1])}`", message)


def command_to_type(command: str) -> str:
    """Return how to type a command in the current folder, whether the environment is active or not.

    `make repro` activates nothing in the shell that runs it.
    """
    program, *_ = command.split(" ", 1)
    folder, here = Path(sys.prefix, "bin"), Path.cwd()
    active = sys.prefix in (os.environ.get("VIRTUAL_ENV"), os.environ.get("CONDA_PREFIX"))
    if active or (sys.prefix == sys.base_prefix and not (folder / program).exists()):
        return command  # without an environment, a user's own scripts are in another folder
    if folder.is_relative_to(here):
        folder = folder.relative_to(here)
    if command.startswith("dvc repro") or command.startswith("dvc exp run"):
        # The stages call `python`, which must be the environment's too.
        return f"PATH={shlex.quote(str(folder))}:$PATH {command}"
    return shlex.quote(str(folder / program)) + command.removeprefix(program)


def in_one_line(text: str) -> str:
    """Return a text whose line breaks and control characters are shown as escapes."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def brief(text: str, longest: int = 200) -> str:
    """Return what another program said, in one short line."""
    return cut(in_one_line(" ".join(text.split())), longest)


def cut(text: str, longest: int) -> str:
    """Return a text without its middle if it is longer than this many characters."""
    if len(text) <= longest:
        return text
    head, gap = longest // 2, " ... "
    return text[:head] + gap + text[head + len(gap) - longest :]

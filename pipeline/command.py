"""What all commands have in common: they run the folder's own code, and refuse in one line."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from pipeline.errors import UserError

NAME = "vae-study"  # of this project in its pyproject.toml
CODE = Path(__file__).parents[1]  # the folder of the packages that are running
# What the operating system says of a path that is wrong, or of a disk that is full.
UNUSABLE = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP, errno.EISDIR),
    *(errno.ENOTDIR, errno.EEXIST, errno.ENOSPC, errno.EDQUOT),
)


class OneLineCommand(click.Command):
    """A command that reports a wrong command line in one line, not in click's four."""

    def make_context(self, *details: Any, **more: Any) -> click.Context:
        """Parse the command line.

        Raises:
            UserError: if it is wrong.
        """
        with _usage_in_one_line():
            context = super().make_context(*details, **more)
        if os.environ.get("NO_COLOR"):  # https://no-color.org, which click does not heed
            context.color = False
        return context


class Command(OneLineCommand):
    """A command that refuses to run the code of one checkout in another."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        Raises:
            UserError: if the current folder is in another checkout.
        """
        require_own_code()
        with _unusable_paths_in_one_line():
            return super().invoke(ctx)


class Group(OneLineCommand, click.Group):
    """A command with such commands below it."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command below.

        Raises:
            UserError: if there is none of that name.
        """
        with _usage_in_one_line():
            return super().resolve_command(ctx, args)


@contextmanager
def _usage_in_one_line() -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "the command"
        raise UserError(f"{error.format_message()} (see `{command} --help`)") from None


@contextmanager
def _unusable_paths_in_one_line() -> Iterator[None]:
    """Report a path that cannot be used where nothing else does; it is the user's to mend."""
    try:
        yield
    except OSError as error:
        if error.errno not in UNUSABLE or error.filename is None:
            raise
        path, reason = os.fsdecode(error.filename), error.strerror
        raise UserError(
            f"{path}: {reason}; check the path, its permissions and the free space"
        ) from None


def require_own_code() -> None:
    """Refuse to work in a checkout of this project with the code of another one.

    A console script runs the code that its environment was installed from, `python -m` that of the
    current folder. So with another checkout's environment, a study would run two versions.

    Raises:
        UserError: if the code that runs is not that of the current folder's checkout.
    """
    checkout = other_checkout()
    if checkout is not None:
        raise UserError(
            f"{checkout} is a checkout of {NAME}, but the code that runs is in {CODE}; run `make "
            "install` and `source .venv/bin/activate` in this checkout, or leave it"
        )


def current_folder() -> Path:
    """Return the current folder.

    Raises:
        UserError: if it was deleted.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UserError("the current folder was deleted; change to one that exists") from None


def other_checkout() -> Path | None:
    """Return the checkout that contains the current folder, if its code is not what runs.

    Raises:
        UserError: if the current folder was deleted.
    """
    here = current_folder()
    for folder in (here, *here.parents):
        described = folder / "pyproject.toml"
        if described.is_file():
            return folder if not folder.samefile(CODE) and _is_ours(described) else None
    return None


def _is_ours(described: Path) -> bool:
    """Return whether a pyproject.toml is this project's."""
    import tomllib  # only where it is needed: it takes as long as everything else here

    try:
        content = tomllib.loads(described.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    project = content.get("project")
    return isinstance(project, dict) and project.get("name") == NAME

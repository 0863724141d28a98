"""One writer per folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from filelock import FileLock, Timeout

from pipeline.errors import UserError
from pipeline.runtime.faults import is_unwritable, reason_of


@contextmanager
def sole_writer(folder: Path, task: str) -> Iterator[None]:
    """Hold the lock on a folder, after waiting for any other writer.

    There can be another writer although DVC runs one stage at a time, because a killed DVC leaves
    its stage running.

    Args:
        folder: the folder to write to; its lock file is next to it.
        task: what the writer does, such as ``training``; for the message.

    Raises:
        UserError: if the folder cannot be written to, or its disk becomes full within the block.
    """
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            click.echo(f"another {task} is writing to {folder}; waiting for it to finish")
            lock.acquire()
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        yield
    except Exception as error:
        if isinstance(error, UserError) or not is_unwritable(error):
            raise
        raise _unwritable(folder, error) from None
    finally:
        lock.release()


def _unwritable(folder: Path, error: Exception) -> UserError:
    return UserError(
        f"{folder}: cannot be written: {reason_of(error)}; check its folder and the free space, "
        "then run the same command again: what is finished is kept"
    )

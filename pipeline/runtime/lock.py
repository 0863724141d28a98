"""One writer per folder or file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from filelock import FileLock, Timeout

from pipeline.errors import UserError, unwritable
from pipeline.runtime.causes import reason_of
from pipeline.runtime.faults import is_unwritable

AGAIN = "run the same command again: what is finished is kept"


@contextmanager
def sole_writer(path: Path, task: str) -> Iterator[None]:
    """Hold the lock on a folder or file, after waiting for any other writer.

    There can be another writer although DVC runs one stage at a time, because a killed DVC leaves
    its stage running.

    Args:
        path: what is written; its lock file is next to it, and stays there.
        task: what the writer does, such as ``training``; for the message.

    Raises:
        UserError: if it cannot be written, or its disk becomes full within the block.
    """
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            click.echo(f"another {task} is writing to {path}; waiting for it to finish")
            lock.acquire()
    except OSError as error:
        raise unwritable(path, reason_of(error), AGAIN) from None
    try:
        yield
    except Exception as error:
        if isinstance(error, UserError) or not is_unwritable(error):
            raise
        raise unwritable(path, reason_of(error), AGAIN) from None
    finally:
        lock.release()

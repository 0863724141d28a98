"""One writer per folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from filelock import FileLock, Timeout


@contextmanager
def sole_writer(folder: Path, what: str) -> Iterator[None]:
    """Hold the lock on a folder; waits for another writer, such as one whose dvc was killed.

    Args:
        folder: the lock lies beside it.
        what: the writer does, for the message.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        click.echo(f"another {what} writes {folder}; waiting for it to end")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()

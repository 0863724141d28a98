"""One writer per folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from filelock import FileLock, Timeout


@contextmanager
def sole_writer(folder: Path, task: str) -> Iterator[None]:
    """Hold the lock on a folder, after waiting for any other writer.

    There can be another writer although DVC runs one stage at a time, because a killed DVC leaves
    its stage running.

    Args:
        folder: the folder to write to; its lock file is next to it.
        task: what the writer does, such as ``training``; for the message.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        click.echo(f"another {task} is writing to {folder}; waiting for it to finish")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()

"""What a stage that runs for long guards itself with."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from filelock import FileLock, Timeout


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that no record stays open."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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

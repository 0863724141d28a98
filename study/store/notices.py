"""What is said of a store: what is waited for, and what its database answered."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import click

from pipeline.errors import brief

NOTICE = 2  # seconds of waiting after which a line says what for


@contextmanager
def announcing(what: str) -> Iterator[None]:
    """Say what is waited for, if the block takes long."""
    notice = threading.Timer(NOTICE, click.echo, [f"waiting for {what}"], {"err": True})
    notice.daemon = True
    notice.start()
    try:
        yield
    finally:
        notice.cancel()


def announcing_lock(file: Path) -> AbstractContextManager[None]:
    """Say that an SQLite file is locked, if the block takes long."""
    return announcing(f"{brief(str(file))}, which a program has locked")

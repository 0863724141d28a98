"""Options that several stages share."""

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., Any]


def worker_options(command: Command) -> Command:
    """Add ``--workers`` and ``--threads``: number of processes, and of threads per process."""
    workers = click.option(
        "--workers",
        default="auto",
        show_default=True,
        envvar="VAE_WORKERS",
        help="Number of worker processes; auto is one per core. Also read from VAE_WORKERS.",
    )
    threads = click.option(
        "--threads",
        default=1,
        show_default=True,
        type=click.IntRange(min=1),
        help="Threads per process; a different number changes the rounding.",
    )
    return workers(threads(command))

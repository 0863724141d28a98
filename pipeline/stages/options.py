"""Options that several stages share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.jobs.kept import KEPT

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


def kept_option(command: Command) -> Command:
    """Add ``--kept``: where runs stay after they have left the grid."""
    return click.option(
        "--kept",
        default=KEPT,
        show_default=True,
        type=Path,
        help="Folder in which each finished run is kept for other grids.",
    )(command)

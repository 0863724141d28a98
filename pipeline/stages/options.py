"""Options that several stages have."""

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., Any]


def worker_options(command: Command) -> Command:
    """``--workers`` and ``--threads``: how many processes, and how much each may use."""
    workers = click.option(
        "--workers",
        default="auto",
        show_default=True,
        envvar="VAE_WORKERS",
        help="Processes side by side; auto: one a core. Also as VAE_WORKERS.",
    )
    threads = click.option(
        "--threads",
        default=1,
        show_default=True,
        type=click.IntRange(min=1),
        help="Threads of each process. Another number rounds differently.",
    )
    return workers(threads(command))

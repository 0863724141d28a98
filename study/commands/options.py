"""Options that several commands share; loads nothing heavy."""

from pathlib import Path

import click

from pipeline.runtime.address import STORAGE_VARIABLE
from study.store.names import require_name

DEFAULT_URL = "sqlite:///study.db"
STORAGE_HELP = "Database of trials, SQLite or PostgreSQL."


def checked_name(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """Return the name of a search as it was given.

    Raises:
        UserError: if it is not valid.
    """
    if name is not None:
        require_name(name)
    return name


PARAMS = click.option(
    "--params", default="params.yaml", show_default=True, type=Path, help="Settings file."
)
DATA = click.option(
    "--data",
    default="data/prepared.safetensors",
    show_default=True,
    type=Path,
    help="Prepared data file.",
)
WORKERS = click.option(
    "--workers",
    default="auto",
    show_default=True,
    envvar="VAE_WORKERS",
    help="Number of worker processes, or auto.",
)
STORAGE = click.option(
    "--storage",
    default=DEFAULT_URL,
    show_default=True,
    envvar=STORAGE_VARIABLE,
    show_envvar=True,
    metavar="URL",
    help=STORAGE_HELP,
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
NAME = click.option(
    "--name",
    callback=checked_name,
    help="Search name (default: that of params.yaml, else the newest).",
)
OUT = click.option("--out", default="results", show_default=True, type=Path, help="Output folder.")

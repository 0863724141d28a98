"""Which search a command means: the one it names, or that of the settings file."""

from pathlib import Path

import click
import optuna

from pipeline.errors import UserError
from pipeline.settings import Settings, load_settings
from study.store.searches import find_default, find_search

SETTINGS = Path("params.yaml")


def chosen_search(url: str, name: str | None) -> optuna.Study:
    """Load the search of that name; without a name, that of `params.yaml`, or else the newest.

    If there are several searches, a line says which one it is.

    Raises:
        UserError: if there is none, or it cannot be read.
    """
    if name is not None:
        return find_search(url, name)
    found = find_default(url, settings_here)
    if found.others:
        which = "that of" if found.is_described else "the newest, since none is that of"
        name = found.search.study_name
        click.echo(f"search {name}: {which} {SETTINGS}; --name chooses another", err=True)
    return found.search


def settings_here() -> Settings | None:
    """Return the settings of the current folder; None if it has no valid ones."""
    try:
        return load_settings(SETTINGS)
    except (UserError, OSError):
        return None

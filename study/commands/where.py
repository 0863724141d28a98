"""Where things are, and what to type to see them; loads nothing heavy."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click

from pipeline.errors import command_to_type
from pipeline.runtime.address import without_password
from pipeline.runtime.sqlite import connect_read_only
from pipeline.schemas.where import GRID_EXPERIMENT, MLFLOW_DATABASE
from study.commands.document import print_json
from study.commands.lines import print_rows

MLFLOW_UI = "http://127.0.0.1:5000/"
SEARCH_FILES = ("results/trials.csv", "results/best.json", "results/importance.csv")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one kind of result is.

    Attributes:
        paths: the files and folders that exist; None for what is not looked at as files.
        command: what to type to make them if there are none, or to see what is not in files.
        address: of the page that shows it.
    """

    paths: list[str] | None
    command: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is: the report, the grid's tables, metrics and runs, and the search."""

    report: Place
    tables: Place
    metrics: Place
    runs: Place
    search: Place


def where_command(as_json: bool) -> None:
    """Show where everything is."""
    places = find_places(Path.cwd())
    if as_json:
        print_json(places)
        return
    click.echo()
    names = ("report", "tables", "search", "metrics", "runs")
    print_rows({name: _describe(getattr(places, name)) for name in names})


def _describe(place: Place) -> str:
    match place:
        case Place(paths=[path]):  # absolute, to be opened in a browser
            return path
        case Place(paths=[*paths]) if paths:
            return ", ".join(os.path.relpath(path) for path in paths)
        case Place(paths=[]):
            return f"not written yet: {place.command}"
        case Place(command=None):
            return f"{place.address} (MLFLOW_TRACKING_URI)"
        case Place(address=None):
            return str(place.command)
    return f"{place.command}    then open {place.address}"


def find_places(root: Path) -> Places:
    """Return where everything of the project in a folder is."""
    server = os.environ.get("MLFLOW_TRACKING_URI")

    def files(*paths: str) -> Place:
        existing = [str(root / path) for path in paths if (root / path).exists()]
        return Place(existing, None if existing else command_to_type("dvc repro"))

    return Places(
        report=files("reports/index.html"),
        tables=files("results/metrics.csv", "reports/tables"),
        metrics=Place(None, command_to_type("dvc metrics show")),
        runs=Place(None, None, without_password(server))
        if server
        else Place(None, command_to_type("mlflow ui"), mlflow_link(root / MLFLOW_DATABASE)),
        search=files(*SEARCH_FILES),
    )


def mlflow_link(database: Path) -> str:
    """Return the address where a local ``mlflow ui`` shows the grid's runs, not its traces page.

    Args:
        database: MLflow's database, read without importing MLflow.
    """
    row = _ask(database, "SELECT experiment_id FROM experiments WHERE name = ?", GRID_EXPERIMENT)
    return f"{MLFLOW_UI}#/experiments/{row}?workflowType=machine_learning" if row else MLFLOW_UI


def where_recorded(run_id: str) -> str:
    """Return how to see a run and those nested under it."""
    server = os.environ.get("MLFLOW_TRACKING_URI")
    if server:
        run = f", run {run_id}" if run_id else ""
        return f"{without_password(server)} (MLFLOW_TRACKING_URI){run}"
    root = Path.cwd()
    experiment = _ask(
        root / MLFLOW_DATABASE, "SELECT experiment_id FROM runs WHERE run_uuid = ?", run_id
    )
    page = f"#/experiments/{experiment}/runs/{run_id}" if experiment else ""
    return f"{command_to_type('mlflow ui')}    then open {MLFLOW_UI}{page}"


def _ask(database: Path, query: str, value: str) -> str:
    """Return one cell of MLflow's database as text; empty if there is none."""
    try:
        with closing(connect_read_only(database)) as store:
            row = store.execute(query, (value,)).fetchone()
    except (sqlite3.Error, OSError):
        return ""
    return str(row[0]) if row else ""

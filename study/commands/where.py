"""Where things are, and what to type to see them; loads nothing heavy."""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from pipeline.schemas.where import GRID_EXPERIMENT, MLFLOW_DATABASE

MLFLOW_UI = "http://127.0.0.1:5000/"


def folder_to_type(root: Path) -> str:
    """Return what to type before a command's name if the environment is not activated.

    `make repro` activates nothing in the shell that runs it.
    """
    if os.environ.get("VIRTUAL_ENV") == sys.prefix:
        return ""
    folder = Path(sys.prefix) / "bin"
    return f"{folder.relative_to(root) if folder.is_relative_to(root) else folder}{os.sep}"


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
        return f"{server} (MLFLOW_TRACKING_URI), run {run_id}"
    root = Path.cwd()
    experiment = _ask(
        root / MLFLOW_DATABASE, "SELECT experiment_id FROM runs WHERE run_uuid = ?", run_id
    )
    page = f"#/experiments/{experiment}/runs/{run_id}" if experiment else ""
    return f"{folder_to_type(root)}mlflow ui    then open {MLFLOW_UI}{page}"


def _ask(database: Path, query: str, value: str) -> str:
    """Return one cell of MLflow's database as text; empty if there is none."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as store:
            row = store.execute(query, (value,)).fetchone()
    except sqlite3.Error:
        return ""
    return str(row[0]) if row else ""

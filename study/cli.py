"""The `study` command. Everything heavy is imported in the command that needs it."""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import click

from pipeline.places import GRID_EXPERIMENT, MLFLOW_DATABASE


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vae-study")
def main() -> None:
    """A hyperparameter study of variational auto-encoders whose comparison can be trusted."""


@main.command(epilog="Example: study report --out /path/to/reports")
@click.option("--params", default="params.yaml", show_default=True, type=Path)
@click.option("--results", default="results", show_default=True, type=Path)
@click.option("--out", default="reports", show_default=True, type=Path, help="Where to.")
def report(params: Path, results: Path, out: Path) -> None:
    """Make the report again from the results, without training anything."""
    from analysis.report import write_report
    from pipeline.settings import load_settings

    write_report(load_settings(params), results, out)
    click.echo(f"report: {out / 'index.html'}")


@main.command(epilog="Example: study check")
@click.option("--params", default="params.yaml", show_default=True, type=Path)
def check(params: Path) -> None:
    """Check the settings; silent where they are right.

    `make repro` does so first, because DVC reads some of them before any stage can.
    """
    from pipeline.settings import load_settings

    load_settings(params)


@main.command(epilog="Example: study where")
def where() -> None:
    """Say where the report, the tables and the recorded runs lie."""
    root = Path.cwd()
    index = root / "reports" / "index.html"
    folder = _folder_to_type(root)
    server = os.environ.get("MLFLOW_TRACKING_URI")
    runs = f"{folder}mlflow ui    then open {mlflow_link(root / MLFLOW_DATABASE)}"
    rows = {
        "report": str(index) if index.exists() else f"not made yet: {folder}dvc repro",
        "tables": "results/metrics.csv, reports/tables/",
        "metrics": f"{folder}dvc metrics show",
        "runs": f"{server} (MLFLOW_TRACKING_URI)" if server else runs,
    }
    click.echo()
    for name, place in rows.items():
        click.echo(click.style(f"{name:<10}", bold=True) + place)


def _folder_to_type(root: Path) -> str:
    """What to write before a command's name here: `make repro` activates nothing for its shell."""
    if os.environ.get("VIRTUAL_ENV") == sys.prefix:
        return ""
    folder = Path(sys.prefix) / "bin"
    return f"{folder.relative_to(root) if folder.is_relative_to(root) else folder}{os.sep}"


def mlflow_link(database: Path) -> str:
    """The address at which a local ``mlflow ui`` shows the grid's runs, not its page on traces.

    Args:
        database: MLflow's own, read without importing MLflow.
    """
    address = "http://127.0.0.1:5000/"
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as store:
            row = store.execute(
                "SELECT experiment_id FROM experiments WHERE name = ?", (GRID_EXPERIMENT,)
            ).fetchone()
    except sqlite3.Error:
        return address
    return f"{address}#/experiments/{row[0]}?workflowType=machine_learning" if row else address

"""The `study` command. Everything heavy is imported in the command that needs it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import click


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


@main.command(epilog="Example: study where")
def where() -> None:
    """Say where the report, the tables and the recorded runs lie."""
    root = Path.cwd()
    index = root / "reports" / "index.html"
    rows = {
        "report": str(index) if index.exists() else "not made yet: dvc repro",
        "tables": "results/metrics.csv, reports/tables/",
        "metrics": "dvc metrics show",
        "runs": f"mlflow ui    then open {mlflow_link(root / 'mlflow.db')}",
    }
    click.echo()
    for name, place in rows.items():
        click.echo(click.style(f"{name:<10}", bold=True) + place)


def mlflow_link(database: Path) -> str:
    """The address at which a local ``mlflow ui`` shows the grid's runs, not its page on traces.

    Args:
        database: MLflow's own, read without importing MLflow.
    """
    address = "http://127.0.0.1:5000/"
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as store:
            row = store.execute(
                "SELECT experiment_id FROM experiments WHERE name = 'vae-grid'"
            ).fetchone()
    except sqlite3.Error:
        return address
    return f"{address}#/experiments/{row[0]}?workflowType=machine_learning" if row else address

"""The `study` command. Everything heavy is imported in the command that needs it."""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import click

from pipeline.places import GRID_EXPERIMENT, MLFLOW_DATABASE

STORAGE = click.option("--storage", default="sqlite:///study.db", show_default=True, metavar="URL")
NEWEST = click.option("--name", help="Of the search; by default the newest.")


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


@main.command(epilog="Example: study run --trials 50")
@click.option("--params", default="params.yaml", show_default=True, type=Path)
@click.option("--data", default="data/prepared.safetensors", show_default=True, type=Path)
@click.option("--trials", type=click.IntRange(min=1), help="Finished ones, in all.")
@click.option("--workers", default="auto", show_default=True, envvar="VAE_WORKERS")
@click.option("--timeout", type=click.FloatRange(min=0), help="Seconds after which to stop.")
@STORAGE
@click.option("--name", help="Of the search; by default made from its plan.")
@click.option("--objective", type=click.Choice(["elbo", "nll", "rate-distortion"]))
@click.option("--sampler", type=click.Choice(["tpe", "random", "qmc", "grid", "gp"]))
@click.option("--pruner", type=click.Choice(["median", "hyperband", "none"]))
@click.option("--replicates", type=click.IntRange(min=1), help="Seeds a trial.")
@click.option("--epochs", type=click.IntRange(min=1))
@click.option("--seed", type=click.IntRange(min=0))
def run(
    params: Path,
    data: Path,
    trials: int | None,
    workers: str,
    timeout: float | None,
    storage: str,
    name: str | None,
    **changes: int | str | None,
) -> None:
    """Search until there are so many finished trials (complete or pruned) in all.

    Run again, it goes on where it was, or says that there is nothing to do. Options override
    section search of the settings; another plan is another search.
    """
    from study.commands import run_command

    given = {key: value for key, value in changes.items() if value is not None}
    if trials is not None:
        given["trials"] = trials
    run_command(params, data, given, workers, timeout, storage, name)


@main.command(epilog="Example: study worker --storage sqlite:///study.db --name NAME")
@click.option("--storage", required=True, metavar="URL")
@click.option("--name", required=True, help="Of the search, as `study run` prints it.")
@click.option("--data", default="data/prepared.safetensors", show_default=True, type=Path)
@click.option("--supervisor", type=int, hidden=True)
def worker(storage: str, name: str, data: Path, supervisor: int | None) -> None:
    """Join a search from another shell or machine, until it has its trials."""
    from study.worker import work

    work(storage, name, data, supervisor)


@main.command(epilog="Example: study best -n 3")
@STORAGE
@NEWEST
@click.option("-n", "count", default=5, show_default=True, type=click.IntRange(min=1))
def best(storage: str, name: str | None, count: int) -> None:
    """Show the best trials of a search, or its Pareto front."""
    from study.commands import best_command

    best_command(storage, name, count)


@main.command(epilog="Example: study export --out results")
@STORAGE
@NEWEST
@click.option("--out", default="results", show_default=True, type=Path, help="Where to.")
def export(storage: str, name: str | None, out: Path) -> None:
    """Write trials.csv, one row a finished trial, and best.json."""
    from study.commands import export_command

    export_command(storage, name, out)


@main.command(epilog="Example: study show 7")
@STORAGE
@NEWEST
@click.argument("number", type=int)
def show(storage: str, name: str | None, number: int) -> None:
    """Show all that is known of trial NUMBER."""
    from study.commands import show_command

    show_command(storage, name, number)


@main.command(epilog="Example: study delete mnist-5k-elbo-1a2b3c4d --yes")
@STORAGE
@click.argument("name")
@click.confirmation_option(prompt="Delete the search and all its trials?")
def delete(storage: str, name: str) -> None:
    """Delete the search NAME with all its trials."""
    from study.commands import delete_command

    delete_command(storage, name)


@main.command(epilog="Example: study status")
@STORAGE
def status(storage: str) -> None:
    """List the searches of a store with their trials by state."""
    from study.commands import status_command

    status_command(storage)


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

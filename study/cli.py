"""The `study` command. Everything heavy is imported in the command that needs it."""

import os
from pathlib import Path

import click

from pipeline.schemas.where import MLFLOW_DATABASE
from study.where import folder_to_type, mlflow_link

PARAMS = click.option("--params", default="params.yaml", show_default=True, type=Path)
DATA = click.option("--data", default="data/prepared.safetensors", show_default=True, type=Path)
WORKERS = click.option("--workers", default="auto", show_default=True, envvar="VAE_WORKERS")
STORAGE = click.option("--storage", default="sqlite:///study.db", show_default=True, metavar="URL")
NEWEST = click.option("--name", help="Of the search; by default the newest.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vae-study")
def main() -> None:
    """A hyperparameter study of variational auto-encoders whose comparison can be trusted."""


@main.command(epilog="Example: study report --out /path/to/reports")
@PARAMS
@click.option("--results", default="results", show_default=True, type=Path)
@click.option("--judge", default="judge/judge.json", show_default=True, type=Path)
@click.option("--out", default="reports", show_default=True, type=Path, help="Where to.")
def report(params: Path, results: Path, judge: Path, out: Path) -> None:
    """Make the report again from the results, without training anything."""
    from analysis.report import write_report
    from pipeline.settings import load_settings

    write_report(load_settings(params), results, out, judge)
    click.echo(f"report: {out / 'index.html'}")


@main.command(epilog="Example: study check")
@PARAMS
def check(params: Path) -> None:
    """Check the settings; silent where they are right.

    `make repro` does so first, because DVC reads some of them before any stage can.
    """
    from pipeline.settings import load_settings

    load_settings(params)


@main.command(epilog="Example: study run --trials 50")
@PARAMS
@DATA
@click.option("--trials", type=click.IntRange(min=1), help="Finished ones, in all.")
@WORKERS
@click.option("--timeout", type=click.FloatRange(min=0), help="Seconds after which to stop.")
@STORAGE
@click.option("--name", help="Of the search; by default made from its plan.")
@click.option("--objective", type=click.Choice(["elbo", "nll", "rate-distortion"]))
@click.option("--sampler", type=click.Choice(["tpe", "random", "qmc", "grid", "gp"]))
@click.option("--pruner", type=click.Choice(["median", "percentile", "hyperband", "none"]))
@click.option("--replicates", type=click.IntRange(min=1), help="Seeds a trial.")
@click.option("--epochs", type=click.IntRange(min=1), help="Of each trial.")
@click.option("--seed", type=click.IntRange(min=0))
@click.option(
    "-S",
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any other setting, such as train.clip_norm=5; repeatable.",
)
def run(
    params: Path,
    data: Path,
    workers: str,
    timeout: float | None,
    storage: str,
    name: str | None,
    assignments: tuple[str, ...],
    **changes: int | str | None,
) -> None:
    """Search until there are so many finished trials (complete or pruned) in all.

    Run again, it goes on where it was, or says that there is nothing to do. Options override the
    settings file; another plan is another search. Ctrl-C lets the running trials end, a second one
    cancels them.
    """
    from study.running import run_command, searched_settings

    given = {key: value for key, value in changes.items() if value is not None}
    settings = searched_settings(params, assignments, given)
    outcome = run_command(settings, data, workers, timeout, storage, name)
    if outcome.stopped.startswith("interrupted"):
        raise SystemExit(130)  # as shells have it for Ctrl-C


@main.command(epilog="Example: study worker --storage sqlite:///study.db --name NAME")
@click.option("--storage", required=True, metavar="URL")
@click.option("--name", required=True, help="Of the search, as `study run` prints it.")
@DATA
@click.option("--supervisor", type=int, hidden=True)
def worker(storage: str, name: str, data: Path, supervisor: int | None) -> None:
    """Join a search from another shell or machine, until it has its trials."""
    from study.workers.worker import work

    try:
        work(storage, name, data, supervisor)
    except KeyboardInterrupt:
        raise SystemExit(130) from None  # cancelled: its trial is on record as such


@main.command(epilog="Example: study status")
@STORAGE
@NEWEST
def status(storage: str, name: str | None) -> None:
    """Say how far a search is, what is best so far, and what runs now."""
    from study.commands import status_command

    status_command(storage, name)


@main.command(name="list", epilog="Example: study list")
@STORAGE
def list_searches(storage: str) -> None:
    """List the searches of a store with their trials by state."""
    from study.commands import list_command

    list_command(storage)


@main.command(epilog="Example: study best -n 3")
@STORAGE
@NEWEST
@click.option("-n", "count", default=5, show_default=True, type=click.IntRange(min=1))
def best(storage: str, name: str | None, count: int) -> None:
    """Show the best trials of a search, or its Pareto front."""
    from study.commands import best_command

    best_command(storage, name, count)


@main.command(epilog="Example: study show 7")
@STORAGE
@NEWEST
@click.argument("number", type=int)
def show(storage: str, name: str | None, number: int) -> None:
    """Show all that is known of trial NUMBER."""
    from study.commands import show_command

    show_command(storage, name, number)


@main.command(epilog="Example: study importance")
@STORAGE
@NEWEST
def importance(storage: str, name: str | None) -> None:
    """Show which hyperparameters the objective depends on, with the trials behind it."""
    from study.commands import importance_command

    importance_command(storage, name)


@main.command(epilog="Example: study rerun 7 --seeds 5")
@STORAGE
@NEWEST
@DATA
@click.argument("number", type=int)
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(min=1))
@WORKERS
@click.option("--out", default="results", show_default=True, type=Path, help="Where to.")
def rerun(
    storage: str, name: str | None, data: Path, number: int, seeds: int, workers: str, out: Path
) -> None:
    """Train trial NUMBER again with fresh seeds, to confirm its value.

    A search's best value is the luckiest of many. This says what its settings are worth, with an
    interval, and leaves a model a seed.
    """
    from study.commands import rerun_command

    rerun_command(storage, name, number, seeds, data, out, workers)


@main.command(epilog="Example: study export --out results")
@STORAGE
@NEWEST
@click.option("--out", default="results", show_default=True, type=Path, help="Where to.")
def export(storage: str, name: str | None, out: Path) -> None:
    """Write trials.csv, one row a finished trial, best.json and importance.csv."""
    from study.commands import export_command

    export_command(storage, name, out)


@main.command(epilog="Example: study delete mnist-5k-elbo-1a2b3c4d --yes")
@STORAGE
@click.argument("name")
@click.confirmation_option(prompt="Delete the search and all its trials?")
def delete(storage: str, name: str) -> None:
    """Delete the search NAME with all its trials."""
    from study.commands import delete_command

    delete_command(storage, name)


@main.command(epilog="Example: study doctor --fix")
@PARAMS
@DATA
@STORAGE
@click.option("--fix", is_flag=True, help="Repair what a killed process left.")
def doctor(params: Path, data: Path, storage: str, fix: bool) -> None:
    """Check versions, settings, data and stores; exit status 1 if something is wrong."""
    from study.doctor import examine

    signs = {"good": ("ok", "green"), "fixed": ("fixed", "green"), "fixable": ("!", "yellow")}
    wrong = False
    for finding in examine(params, data, storage, fix):
        sign, colour = signs.get(finding.verdict, ("x", "red"))
        wrong |= finding.verdict in ("bad", "fixable")
        remedy = f"; {finding.remedy}" if finding.remedy else ""
        click.echo(
            f"{click.style(f'{sign:<6}', fg=colour)}{finding.what:<10} {finding.said}{remedy}"
        )
    raise SystemExit(1 if wrong else 0)


@main.command(epilog="Example: study where")
def where() -> None:
    """Say where the report, the tables and the recorded runs lie."""
    root = Path.cwd()
    index = root / "reports" / "index.html"
    folder = folder_to_type(root)
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

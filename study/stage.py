"""Stage ``search``: the search of the settings, and its export for the stages that follow."""

from pathlib import Path

import click

from pipeline.errors import UserError
from pipeline.settings import load_settings
from study.outcome.export import export
from study.running import run_command


@click.command(epilog="Example: python -m study.stage")
@click.option("--params", default="params.yaml", show_default=True, type=Path)
@click.option("--data", default="data/prepared.safetensors", show_default=True, type=Path)
@click.option("--results", default="results", show_default=True, type=Path, help="Where to.")
@click.option("--storage", default="sqlite:///study.db", show_default=True, envvar="VAE_STORAGE")
@click.option("--workers", default="auto", show_default=True, envvar="VAE_WORKERS")
def main(params: Path, data: Path, results: Path, storage: str, workers: str) -> None:
    """Search until section search has its trials, then write them into RESULTS.

    That is trials.csv, best.json and importance.csv.

    The files hold exactly the first search.trials finished trials, in the search's order, however
    many more the store has: with one machine, data and code they follow from the settings alone.
    """
    settings = load_settings(params)
    outcome = run_command(settings, data, workers, None, storage, None)
    if outcome.stopped:
        raise UserError(f"{outcome.stopped}; run `dvc repro` again to go on")
    export(outcome.search, results, settings.search.trials)


if __name__ == "__main__":
    main()

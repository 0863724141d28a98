"""Stage ``search``: search the settings, and export the result for the stages that follow."""

from pathlib import Path

import click

from pipeline.errors import UserError
from pipeline.settings import load_settings
from study.commands.options import DATA, DEFAULT_URL, PARAMS, STORAGE_HELP, WORKERS
from study.commands.run import search_and_summarise
from study.outcome.export import export


@click.command(epilog="Example: python -m study.stage")
@PARAMS
@DATA
@click.option("--results", default="results", show_default=True, type=Path, help="Output folder.")
@click.option(
    "--storage",
    default=DEFAULT_URL,
    show_default=True,
    envvar="VAE_STORAGE",
    metavar="URL",
    help=STORAGE_HELP,
)
@WORKERS
def main(params: Path, data: Path, results: Path, storage: str, workers: str) -> None:
    """Run the search of section `search`, then write its outcome into RESULTS.

    The files are trials.csv, best.json and importance.csv. They contain exactly the first
    search.trials finished trials, in the search's order, even if the store has more: on one machine
    with the same data and code they depend on the settings alone.
    """
    settings = load_settings(params)
    outcome = search_and_summarise(settings, data, workers, None, storage, None)
    if outcome.stopped:
        raise UserError(f"{outcome.stopped}; run `dvc repro` again to resume")
    export(outcome.search, results, settings.search.trials)


if __name__ == "__main__":
    main()

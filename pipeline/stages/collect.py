"""Stage ``collect``: the runs' results as tables, one row per run and one row per epoch.

It also records where the runs came from, so that every number can be traced.
"""

from pathlib import Path

import click

from pipeline.command import Command
from pipeline.files import write_text
from pipeline.runtime.code_version import commit_date
from pipeline.schemas.data_card import DATA_CARD, DataCard
from pipeline.schemas.provenance import PROVENANCE, Provenance, RunProvenance
from pipeline.schemas.record import read_record, write_record
from pipeline.schemas.run_card import HISTORY, WEIGHTS, load_card
from pipeline.schemas.run_row import read_row
from pipeline.schemas.tables import EPOCHS, GRID_EPOCHS, IDENTITY, RUN_METRICS, Row
from pipeline.settings import EvaluateSettings, load_settings


@click.command(cls=Command, epilog="Example: python -m pipeline.stages.collect")
@click.option("--params", default="params.yaml", show_default=True, help="Settings file.")
@click.option(
    "--data",
    default="data/prepared.json",
    show_default=True,
    type=Path,
    help="Description of the prepared data.",
)
@click.option(
    "--models", default="models", show_default=True, type=Path, help="Folder of the models."
)
@click.option(
    "--results", default="results", show_default=True, type=Path, help="Folder of the results."
)
def main(params: str, data: Path, models: Path, results: Path) -> None:
    """Write RESULTS/metrics.csv and history.csv from the evaluated runs of the grid.

    Also writes data.json, which describes the data set, and provenance.json, which shows where the
    runs came from. The report on the runs is made from these files and the arrays of the runs.
    """
    settings = load_settings(params)
    names = list(settings.runs)
    rows = [read_row(results / "runs" / name) for name in names]
    write_text(results / RUN_METRICS.name, RUN_METRICS.to_csv(rows))
    epochs = [
        {key: row[key] for key in IDENTITY} | epoch
        for name, row in zip(names, rows, strict=True)
        for epoch in EPOCHS.read(models / name / HISTORY, "run `dvc repro train`")
    ]
    write_text(results / GRID_EPOCHS.name, GRID_EPOCHS.to_csv(epochs))
    write_record(results / DATA_CARD, read_record(DataCard, data))
    write_record(results / PROVENANCE, _provenance(models, rows, settings.evaluate))
    click.echo(f"{len(rows)} runs in {results / RUN_METRICS.name}")


def _provenance(models: Path, rows: list[Row], evaluation: EvaluateSettings) -> Provenance:
    """Return the origin of the runs from their cards, and the dates of their commits from git."""
    runs = {}
    for row in rows:
        card = load_card(models / row["run"])
        runs[row["run"]] = RunProvenance(
            device=card.device,
            threads=card.threads,
            versions=card.versions,
            weights=card.sha256[WEIGHTS],
            settings=card.settings,
        )
    commits = sorted({row["commit"] for row in rows} - {""})
    dates = {commit: commit_date(commit) for commit in commits}
    return Provenance(
        runs=runs,
        dates={commit: day for commit, day in dates.items() if day},
        evaluation=evaluation,
    )


if __name__ == "__main__":
    main()

"""Stage ``collect``: the runs' results as tables, one row a run and one row an epoch.

And where the runs came from, for those who trace a number.
"""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from pipeline.errors import UserError
from pipeline.files import write_text
from pipeline.runtime.code_version import commit_date
from pipeline.schemas.provenance import Origins, RunOrigin
from pipeline.schemas.run_card import WEIGHTS, load_card
from pipeline.settings import load_settings

IDENTITY = ("run", "architecture", "latent_dim", "beta", "seed")


@click.command(epilog="Example: python -m pipeline.stages.collect")
@click.option("--params", default="params.yaml", show_default=True, help="Settings file.")
@click.option("--data", default="data/prepared.json", show_default=True, type=Path)
@click.option("--models", default="models", show_default=True, type=Path)
@click.option("--results", default="results", show_default=True, type=Path, help="Where to.")
def main(params: str, data: Path, models: Path, results: Path) -> None:
    """Write RESULTS/metrics.csv and history.csv from the evaluated runs of the grid.

    Beside them data.json on the data set and provenance.json on the origin of the runs. With the
    arrays of the runs they are all that the report is made from.
    """
    names = list(load_settings(params).runs)
    rows = [_read_row(results / "runs" / name / "metrics.json") for name in names]
    write_text(results / "metrics.csv", _to_csv(rows))
    epochs = [
        {key: row[key] for key in IDENTITY} | epoch
        for name, row in zip(names, rows, strict=True)
        for epoch in _read_history(models / name / "history.csv")
    ]
    write_text(results / "history.csv", _to_csv(epochs))
    write_text(results / "data.json", _read_text(data))
    origins = _origins(models, rows)
    write_text(results / "provenance.json", origins.model_dump_json(indent=2) + "\n")
    click.echo(f"{len(rows)} runs in {results / 'metrics.csv'}")


def _origins(models: Path, rows: list[dict[str, Any]]) -> Origins:
    """From the cards of the models, and from git the days of their commits."""
    runs = {}
    for row in rows:
        card = load_card(models / row["run"])
        runs[row["run"]] = RunOrigin(
            device=card.device,
            threads=card.threads,
            versions=card.versions,
            weights=card.sha256[WEIGHTS],
        )
    commits = sorted({row.get("commit", "") for row in rows} - {""})
    dates = {commit: commit_date(commit) for commit in commits}
    return Origins(runs=runs, dates={commit: day for commit, day in dates.items() if day})


def _read_row(path: Path) -> dict[str, Any]:
    """One run's metrics; a list, such as ``kl_per_dim``, becomes one cell of JSON."""
    try:
        row = json.loads(_read_text(path))
    except ValueError as error:
        raise UserError(f"{path}: is no JSON ({error}); run `dvc repro`") from None
    if not isinstance(row, dict) or not set(IDENTITY) <= set(row):
        raise UserError(f"{path}: must hold {', '.join(IDENTITY)}; run `dvc repro`")
    return {
        name: json.dumps(value) if isinstance(value, list) else value for name, value in row.items()
    }


def _read_history(path: Path) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(_read_text(path))))
    if not rows or "epoch" not in rows[0]:
        raise UserError(f"{path}: holds no epochs; run `dvc repro train`")
    return rows


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; run `dvc repro`") from None


def _to_csv(rows: Iterable[dict[str, Any]]) -> str:
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


if __name__ == "__main__":
    main()

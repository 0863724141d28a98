"""Stage ``collect``: the runs' results as tables, one row a run and one row an epoch."""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from pipeline.errors import UserError
from pipeline.files import write_text
from pipeline.settings import load_settings

IDENTITY = ("run", "architecture", "latent_dim", "beta", "seed")


@click.command(epilog="Example: python -m pipeline.stages.collect")
@click.option("--params", default="params.yaml", show_default=True, help="Settings file.")
@click.option("--models", default="models", show_default=True, type=Path)
@click.option("--results", default="results", show_default=True, type=Path, help="Where to.")
def main(params: str, models: Path, results: Path) -> None:
    """Write RESULTS/metrics.csv and RESULTS/history.csv from the evaluated runs of the grid."""
    names = list(load_settings(params).runs)
    rows = [_read_row(results / "runs" / name / "metrics.json") for name in names]
    write_text(results / "metrics.csv", _to_csv(rows))
    epochs = [
        {key: row[key] for key in IDENTITY} | epoch
        for name, row in zip(names, rows, strict=True)
        for epoch in _read_history(models / name / "history.csv")
    ]
    write_text(results / "history.csv", _to_csv(epochs))
    click.echo(f"{len(rows)} runs in {results / 'metrics.csv'}")


def _read_row(path: Path) -> dict[str, Any]:
    """One run's metrics; a list, such as ``kl_per_dim``, becomes one cell of JSON."""
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}; run `dvc repro`") from None
    return {
        name: json.dumps(value) if isinstance(value, list) else value for name, value in row.items()
    }


def _read_history(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error}; run `dvc repro`") from None


def _to_csv(rows: Iterable[dict[str, Any]]) -> str:
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


if __name__ == "__main__":
    main()

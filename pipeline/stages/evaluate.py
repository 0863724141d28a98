"""Stage ``evaluate``: one cell of the grid on the test split."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import click
import numpy as np
import pandas as pd

from pipeline.cards import HISTORY, load_whole_card
from pipeline.data import PreparedData, load_prepared, observed
from pipeline.errors import UserError
from pipeline.evaluation import measure, summarise
from pipeline.files import replacing_folder, write_text
from pipeline.hardware import seeded_generator
from pipeline.metrics import METRICS
from pipeline.models import load_model
from pipeline.pictures import Arrays, draw_pictures, write_sheets
from pipeline.places import GRID_EXPERIMENT
from pipeline.settings import EvaluateSettings, cell_name, load_settings, plain
from pipeline.tracking import Tracker


@click.command(epilog="Example: python -m pipeline.stages.evaluate conv 10")
@click.argument("architecture")
@click.argument("latent_dim", type=int)
@click.option("--params", default="params.yaml", show_default=True, help="Settings file.")
@click.option("--data", default="data/prepared.safetensors", show_default=True, type=Path)
@click.option("--models", default="models", show_default=True, type=Path)
@click.option("--results", default="results", show_default=True, type=Path, help="Where to.")
def main(
    architecture: str, latent_dim: int, params: str, data: Path, models: Path, results: Path
) -> None:
    """Measure the trained runs of one ARCHITECTURE and LATENT_DIM on the test split.

    Writes RESULTS/runs/<cell>/<run>/metrics.json and arrays.npz; and for `dvc metrics` and `dvc
    plots` the cell's means over seeds: RESULTS/cells/<cell>.json, RESULTS/curves/<cell>.csv.
    """
    settings = load_settings(params)
    cell = cell_name(architecture, latent_dim)
    names = [name for name in settings.runs if name.partition("/")[0] == cell]
    if not names:
        raise UserError(
            f"{params}: train.grid has no cell {cell}; it has "
            f"{', '.join(dict.fromkeys(name.partition('/')[0] for name in settings.runs))}"
        )
    prepared = load_prepared(data, splits=("test",))
    tracker = Tracker.open(GRID_EXPERIMENT)
    rows = []
    with replacing_folder(results / "runs" / cell) as folder:
        for name in names:
            row, arrays = evaluate_run(name, models / name, prepared, settings.evaluate)
            run_folder = folder / name.partition("/")[2]
            run_folder.mkdir()
            np.savez_compressed(run_folder / "arrays.npz", allow_pickle=False, **arrays)
            (run_folder / "metrics.json").write_text(json.dumps(row, indent=2) + "\n")
            _record(tracker, row, arrays)
            rows.append(row)
            click.echo(
                f"{name:<20} test ELBO {row['elbo']:8.2f} = -(reconstruction "
                f"{row['reconstruction']:.2f} + kl {row['kl']:.2f}), "
                f"{row['active_units']} of {latent_dim} units active"
            )
    write_text(results / "cells" / f"{cell}.json", json.dumps(cell_means(rows), indent=2) + "\n")
    beta = min((row["beta"] for row in rows), key=lambda beta: abs(beta - 1))
    histories = [models / row["run"] / HISTORY for row in rows if row["beta"] == beta]
    curve = mean_curve(histories).to_csv(lineterminator="\n")
    write_text(results / "curves" / f"{cell}.csv", curve)


def evaluate_run(
    name: str, folder: Path, prepared: PreparedData, settings: EvaluateSettings
) -> tuple[dict[str, Any], Arrays]:
    """One run's row of ``results/metrics.csv`` and its arrays for the report.

    Args:
        name: of the run.
        folder: of the model.
        prepared: with its test split.
        settings: how to measure and what to draw.
    """
    card = load_whole_card(folder)
    if card.data_hash != prepared.hash:
        raise UserError(
            f"{folder} was trained on other data (hash {card.data_hash[:12]}) than the "
            f"prepared file holds ({prepared.hash[:12]}); run `dvc repro train` first"
        )
    model = load_model(folder)
    run = card.settings
    split = prepared.splits["test"]
    images = observed(split, run.binarisation)
    measured = measure(
        model,
        images,
        settings.latent_samples,
        seeded_generator(settings.seed, "evaluation"),
        settings.batch_size,
    )
    protocol = replace(card.protocol, split="test", split_hash=split.hash)
    row = {
        "run": name,
        "architecture": run.architecture,
        "latent_dim": run.latent_dim,
        "beta": run.beta,
        "seed": run.seed,
        "parameters": card.parameters,
        "train_seconds": card.train_seconds,
        "epochs": card.epochs,
        **protocol.as_dict(),
        **summarise(measured),
        "data_hash": prepared.hash,
        "commit": card.commit,
        "run_id": card.run_id,
    }
    arrays = draw_pictures(model, split, images, measured.mu, settings)
    arrays |= {
        "mu": measured.mu.numpy(),
        "labels": split.labels.numpy(),
        "mu_variance": measured.mu_variance.numpy(),
        "kl_per_dim": measured.kl_per_dim.mean(0).numpy(),
        "elbo": measured.elbo.numpy(),
        "reconstruction": measured.reconstruction.numpy(),
        "kl": measured.kl.numpy(),
    }
    return row, arrays


def _record(tracker: Tracker, row: dict[str, Any], arrays: Arrays) -> None:
    """Add the test metrics and pictures to the run's record."""
    # A model that came out of DVC's cache has no record in this store: it gets one now.
    record = tracker.resume(row["run_id"])
    known = record is not None
    if record is None:
        record = tracker.start(row["run"], {key: row[key] for key in row if key not in METRICS})
    record.log_metrics({f"test/{name}": float(row[name]) for name in METRICS})
    with tempfile.TemporaryDirectory() as name:
        write_sheets(Path(name), arrays)
        record.log_files(Path(name), "test")
    if not known:
        record.finish()


def mean_curve(histories: list[Path]) -> pd.DataFrame:
    """The validation split's terms by epoch: means over runs, while all of them trained.

    Further on it would be the mean of those that did not stop early, and jump.
    """
    runs = [pd.read_csv(path) for path in histories]
    last = min(run["epoch"].max() for run in runs)
    epochs = pd.concat(runs)
    validation = epochs[(epochs["split"] == "valid") & (epochs["epoch"] <= last)]
    means: pd.DataFrame = validation.groupby("epoch")[["elbo", "reconstruction", "kl"]].mean()
    return means.round(4)


def cell_means(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What ``dvc metrics`` shows: means over seeds, and how many runs collapsed.

    Where the grid varies beta, one such group for each; runs of different beta have no mean.
    """
    betas = sorted({row["beta"] for row in rows})
    groups = {
        f"beta-{plain(beta)}": _means([row for row in rows if row["beta"] == beta])
        for beta in betas
    }
    return groups if len(betas) > 1 else next(iter(groups.values()))


def _means(rows: list[dict[str, Any]]) -> dict[str, float]:
    means = {name: round(mean(row[name] for row in rows), 4) for name in METRICS}
    return means | {"collapsed": sum(row["collapsed"] for row in rows)}


if __name__ == "__main__":
    main()

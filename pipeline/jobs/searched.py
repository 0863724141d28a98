"""The grid with the best hyperparameters that a search found."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from pipeline.schemas.best_card import BestCard
from pipeline.schemas.record import read_record
from pipeline.settings import Architecture, RunSettings, SettingsError

FEWEST = 5  # complete trials of an architecture; the best of fewer is mostly luck

# Settings that a run keeps from the grid: its place in it and how long to train.
OF_THE_GRID = ("architecture", "latent_dim", "beta", "seed", "epochs")


def with_searched(
    runs: dict[str, RunSettings], path: Path, data_hash: str
) -> dict[str, RunSettings]:
    """Return the grid's runs with the hyperparameters of the best trial of their architecture.

    Widths, learning rate, batch size and so on are those of the trial. Architecture, latent size,
    beta, seed and number of epochs are those of the grid, so that its axes still vary one at a
    time. An architecture with too few complete trials keeps the settings of section ``train``.

    Args:
        runs: the grid's runs, by name.
        path: the search's ``best.json``.
        data_hash: hash of the prepared file.

    Raises:
        RecordError: if the file is missing or damaged.
        SettingsError: if the search used other data, or has too few complete trials of every
            architecture.
    """
    best = read_record(BestCard, path)
    if best.data_hash != data_hash:
        raise SettingsError(f"{path}: the search used other data; run `dvc repro search`")
    supported = _supported(dict.fromkeys(run.architecture for run in runs.values()), best, path)
    return {
        name: _searched(run, best) if run.architecture in supported else run
        for name, run in runs.items()
    }


def _supported(
    architectures: Iterable[Architecture], best: BestCard, path: Path
) -> set[Architecture]:
    """Return the architectures with enough complete trials; say which have too few."""
    complete = {
        name: best.architectures[name].complete_trials if name in best.architectures else 0
        for name in architectures
    }
    counted = ", ".join(f"{count} of {name}" for name, count in complete.items())
    if all(count < FEWEST for count in complete.values()):
        raise SettingsError(
            "train.hyperparameters = searched needs an architecture with "
            f"{FEWEST} complete trials, but {path} has {counted}; increase search.trials or "
            "choose fixed"
        )
    for name, count in complete.items():
        if count < FEWEST:
            click.echo(
                f"{name} keeps the settings of section train: {count} complete trials are too few "
                f"for searched ones, which need {FEWEST}"
            )
    return {name for name, count in complete.items() if count >= FEWEST}


def _searched(run: RunSettings, best: BestCard) -> RunSettings:
    found = best.architectures[run.architecture].settings
    kept = {key: getattr(run, key) for key in OF_THE_GRID}
    warmup = min(found.beta_warmup, run.epochs)
    values: dict[str, Any] = found.model_dump() | kept | {"beta_warmup": warmup}
    return RunSettings.model_validate(values)

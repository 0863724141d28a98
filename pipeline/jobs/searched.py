"""The grid with the best hyperparameters that a search found."""

from pathlib import Path
from typing import Any

from pipeline.schemas.best_card import BestCard
from pipeline.schemas.record import read_record
from pipeline.settings import RunSettings, SettingsError

# Settings that a run keeps from the grid: its place in it and how long to train.
OF_THE_GRID = ("architecture", "latent_dim", "beta", "seed", "epochs")


def with_searched(
    runs: dict[str, RunSettings], path: Path, data_hash: str
) -> dict[str, RunSettings]:
    """Return the grid's runs with the hyperparameters of the best trial of their architecture.

    Widths, learning rate, batch size and so on are those of the trial. Architecture, latent size,
    beta, seed and number of epochs are those of the grid, so that its axes still vary one at a
    time.

    Args:
        runs: the grid's runs, by name.
        path: the search's ``best.json``.
        data_hash: hash of the prepared file.

    Raises:
        RecordError: if the file is missing or damaged.
        SettingsError: if the search used other data, or has no trial of an architecture.
    """
    best = read_record(BestCard, path)
    if best.data_hash != data_hash:
        raise SettingsError(f"{path}: the search used other data; run `dvc repro search`")
    searched = {}
    for name, run in runs.items():
        found = best.architectures.get(run.architecture)
        if found is None:
            raise SettingsError(
                f"train.hyperparameters = searched, but {path} has no complete trial of "
                f"{run.architecture}; increase search.trials or choose fixed"
            )
        kept = {key: getattr(run, key) for key in OF_THE_GRID}
        warmup = min(found.settings.beta_warmup, run.epochs)
        values: dict[str, Any] = found.settings.model_dump() | kept | {"beta_warmup": warmup}
        searched[name] = RunSettings.model_validate(values)
    return searched

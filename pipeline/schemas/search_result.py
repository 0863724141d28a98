"""The settings that a search found best, as the grid takes them over."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.settings import Architecture, RunSettings, SettingsError
from pipeline.settings.explain import first_error

# What a searched run keeps of the grid's own: its place in the grid and how long it trains.
OF_THE_GRID = ("architecture", "latent_dim", "beta", "seed", "epochs")


class _Found(BaseModel):
    model_config = ConfigDict(extra="ignore")

    number: int
    settings: RunSettings


class _Best(BaseModel):
    model_config = ConfigDict(extra="ignore")

    search: str
    data_hash: str
    architectures: dict[Architecture, _Found]


def with_searched(
    runs: dict[str, RunSettings], path: Path, data_hash: str
) -> dict[str, RunSettings]:
    """The grid's runs with the hyperparameters of the best trial of their architecture.

    Widths, learning rate, batch size and the rest are the trial's; architecture, latent size,
    beta, seed and number of epochs stay the grid's, so that its axes still vary one at a time.

    Args:
        runs: of the grid, by name.
        path: the search's ``best.json``.
        data_hash: of the prepared file.

    Raises:
        SettingsError: if the file is missing, damaged, of other data, or lacks an architecture.
    """
    best = _load(path)
    if best.data_hash != data_hash:
        raise SettingsError(f"{path}: was found on other data than these; run `dvc repro search`")
    searched = {}
    for name, run in runs.items():
        found = best.architectures.get(run.architecture)
        if found is None:
            raise SettingsError(
                f"train.hyperparameters = searched, but {path} has no complete trial of "
                f"{run.architecture}; raise search.trials, or set it to fixed"
            )
        kept = {key: getattr(run, key) for key in OF_THE_GRID}
        warmup = min(found.settings.beta_warmup, run.epochs)
        values: dict[str, Any] = found.settings.model_dump() | kept | {"beta_warmup": warmup}
        searched[name] = RunSettings.model_validate(values)
    return searched


def _load(path: Path) -> _Best:
    try:
        return _Best.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read: {error.strerror}; run `dvc repro search`, or set "
            "train.hyperparameters to fixed"
        ) from None
    except ValidationError as error:
        raise SettingsError(f"{path}: {first_error(error)}; run `dvc repro search`") from None

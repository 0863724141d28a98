"""Map the declared space to a trial's values, and those to the settings of a run."""

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from pipeline.settings import RunSettings
from pipeline.settings.space import Choice, Dimension, IntRange, Value

Chosen = dict[str, Value]


def applies(dimension: Dimension, chosen: Mapping[str, Value]) -> bool:
    """Whether a dimension has a meaning with the values chosen so far."""
    return all(chosen.get(name) == value for name, value in dimension.when.items())


def suggest(trial: optuna.Trial, space: tuple[Dimension, ...]) -> Chosen:
    """Ask the sampler for a value of each dimension that applies, given the earlier values."""
    chosen: Chosen = {}
    for dimension in space:
        if applies(dimension, chosen):
            chosen[dimension.name] = _suggest_one(trial, dimension)
    return chosen


def _suggest_one(trial: optuna.Trial, dimension: Dimension) -> Value:
    if isinstance(dimension, Choice):
        value = trial.suggest_categorical(dimension.name, dimension.choices)
        assert value is not None
        return value
    if isinstance(dimension, IntRange):
        return trial.suggest_int(dimension.name, dimension.low, dimension.high, log=dimension.log)
    return trial.suggest_float(dimension.name, dimension.low, dimension.high, log=dimension.log)


def distributions(chosen: Chosen, space: tuple[Dimension, ...]) -> dict[str, BaseDistribution]:
    """Describe to Optuna the dimensions that have a value."""
    return {
        dimension.name: _distribution(dimension) for dimension in space if dimension.name in chosen
    }


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.choices)
    if isinstance(dimension, IntRange):
        return IntDistribution(dimension.low, dimension.high, log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def to_run(chosen: Mapping[str, Value], base: RunSettings, seed: int, epochs: int) -> RunSettings:
    """Return the run that a trial's values describe.

    ``width`` and ``depth`` are the linear model's hidden layers, ``channels`` and ``blocks`` the
    convolutional one's, which doubles its channels at each block, and ``dense`` its dense layer.

    Args:
        chosen: values by name of dimension.
        base: settings that are not searched.
        seed: the run's seed.
        epochs: the run's epochs.
    """
    values: dict[str, Any] = base.model_dump() | {"seed": seed, "epochs": epochs}
    built = {"width", "depth", "channels", "blocks", "dense"}
    values |= {name: value for name, value in chosen.items() if name not in built}
    if {"width", "depth"} & chosen.keys():
        width = chosen.get("width", base.hidden[0] if base.hidden else 400)
        values["hidden"] = [width] * int(chosen.get("depth", len(base.hidden) or 1))
    if {"channels", "blocks"} & chosen.keys():
        first = int(chosen.get("channels", base.channels[0]))
        values["channels"] = [
            first * 2**block for block in range(int(chosen.get("blocks", len(base.channels))))
        ]
    if "dense" in chosen:
        values["conv_hidden"] = [chosen["dense"]]
    # A warm-up may not outlast the run.
    values["beta_warmup"] = min(int(values["beta_warmup"]), epochs)
    return RunSettings.model_validate(values)

"""Map the declared space to a trial's values, and those to the settings of a run and back."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from pipeline.settings import RunSettings
from pipeline.settings.shown import show
from pipeline.settings.space import (
    Choice,
    Dimension,
    FloatRange,
    IntRange,
    Value,
    allowed,
    applies,
    as_declared,
    at_step,
    contains,
    steps_to,
    to_value,
)

Chosen = dict[str, Value]

# What the other architecture's models are built from, so that it changes nothing.
IRRELEVANT = {"linear": {"channels", "conv_hidden"}, "conv": {"hidden"}}
# What two runs of the same settings may differ in.
OF_THE_SEARCH = {"seed", "epochs", "precision", "device"}


class MisfitError(ValueError):
    """A run that the space cannot describe; the message says why."""


def suggest(
    trial: optuna.Trial, space: tuple[Dimension, ...], given: Mapping[str, Value] | None = None
) -> Chosen:
    """Ask the sampler for a value of each dimension that applies and is not given."""
    given = given or {}
    chosen: Chosen = {}
    for dimension in space:
        if dimension.name in given:
            chosen[dimension.name] = given[dimension.name]
        elif applies(dimension, chosen):
            chosen[dimension.name] = _suggest_one(trial, dimension)
    return chosen


def _suggest_one(trial: optuna.Trial, dimension: Dimension) -> Value:
    name = dimension.name
    if isinstance(dimension, Choice):
        value: Value = trial.suggest_categorical(name, dimension.values)
        return value
    if isinstance(dimension, IntRange):
        low, high = dimension.low, dimension.high
        return trial.suggest_int(name, low, high, step=dimension.step, log=dimension.log)
    if dimension.step is None:
        return trial.suggest_float(name, dimension.low, dimension.high, log=dimension.log)
    # Samplers choose the number of the step, because some yield both 1.1 and 1.0999999999999999.
    return at_step(dimension, trial.suggest_int(name, 0, steps_to(dimension, dimension.high)))


def as_suggested(chosen: Mapping[str, Value], space: tuple[Dimension, ...]) -> dict[str, Value]:
    """Return what ``suggest`` has a sampler choose for these values."""
    return {
        one.name: steps_to(one, value)
        if isinstance(one, FloatRange) and one.step and isinstance(value, int | float)
        else value
        for one in space
        if one.name in chosen
        for value in [chosen[one.name]]
    }


def distributions(chosen: Chosen, space: tuple[Dimension, ...]) -> dict[str, BaseDistribution]:
    """Describe to Optuna the dimensions that have a value."""
    return {
        dimension.name: _distribution(dimension) for dimension in space if dimension.name in chosen
    }


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.values)
    if isinstance(dimension, IntRange):
        return IntDistribution(dimension.low, dimension.high, dimension.log, dimension.step)
    return FloatDistribution(dimension.low, dimension.high, dimension.log, dimension.step)


def to_run(chosen: Mapping[str, Value], base: RunSettings, seed: int, epochs: int) -> RunSettings:
    """Return the run that a trial's values describe.

    ``width`` and ``depth`` are the linear model's hidden layers, ``channels`` (if it is a number)
    and ``blocks`` the convolutional one's, which doubles its channels at each block, and ``dense``
    its dense layer.

    Args:
        chosen: values by name of dimension.
        base: settings that are not searched.
        seed: the run's seed.
        epochs: the run's epochs.
    """
    values: dict[str, Any] = base.model_dump() | {"seed": seed, "epochs": epochs}
    values |= {name: value for name, value in chosen.items() if name in RunSettings.model_fields}
    for name in ("hidden", "channels", "conv_hidden"):
        if isinstance(values[name], str):
            values[name] = json.loads(values[name])
    if {"width", "depth"} & chosen.keys():
        width = chosen.get("width", base.hidden[0] if base.hidden else 400)
        values["hidden"] = [width] * _number(chosen.get("depth", len(base.hidden) or 1))
    if isinstance(values["channels"], int) or "blocks" in chosen:
        first = _number(chosen.get("channels", base.channels[0]))
        values["channels"] = [
            first * 2**block for block in range(_number(chosen.get("blocks", len(base.channels))))
        ]
    if "dense" in chosen:
        values["conv_hidden"] = [chosen["dense"]]
    # A warm-up may not outlast the run.
    values["beta_warmup"] = min(int(values["beta_warmup"]), epochs)
    return RunSettings.model_validate(values)


def _number(value: Value) -> int:
    if not isinstance(value, int):  # from a file
        raise ValueError(f"{show(value)} must be a whole number")
    return value


def identity_of(run: RunSettings) -> str:
    """Return a text that two runs share exactly if they train the same model in the same way."""
    return run.model_dump_json(exclude=IRRELEVANT[run.architecture])


def from_run(run: RunSettings, space: tuple[Dimension, ...], base: RunSettings) -> Chosen:
    """Return the values that describe a run, apart from its seed, epochs and hardware.

    Raises:
        MisfitError: if the space has no point that describes it.
    """
    chosen: Chosen = {}
    for dimension in space:
        if applies(dimension, chosen):
            value = _value_in(run, dimension)
            if not contains(dimension, value):
                raise MisfitError(f"{dimension.name} = {show(value)} is not {allowed(dimension)}")
            chosen[dimension.name] = as_declared(dimension, value)
    described = to_run(chosen, base, run.seed, run.epochs)
    _require_same(run, described)
    return chosen


def _value_in(run: RunSettings, dimension: Dimension) -> Value:
    """Return a run's value of a dimension; lists that numbers cannot describe differ later."""
    match dimension.name:
        case "width":
            return run.hidden[0] if run.hidden else None
        case "depth":
            return len(run.hidden)
        case "blocks":
            return len(run.channels)
        case "dense":
            return run.conv_hidden[0] if run.conv_hidden else None
        case "channels" if not _is_of_lists(dimension):
            return run.channels[0]
    return to_value(getattr(run, dimension.name))


def _is_of_lists(dimension: Dimension) -> bool:
    return isinstance(dimension, Choice) and isinstance(dimension.choices[0], tuple)


def _require_same(run: RunSettings, described: RunSettings) -> None:
    ignored = OF_THE_SEARCH | IRRELEVANT[run.architecture]
    for name in RunSettings.model_fields:
        wanted, found = getattr(run, name), getattr(described, name)
        if name not in ignored and wanted != found:
            raise MisfitError(
                f"{name} = {show(wanted)}, but the trials of this search have {show(found)}"
            )


def distinct(points: Iterable[Mapping[str, Value]]) -> int:
    """Return how many different points there are."""
    return len({tuple(sorted(point.items())) for point in points})

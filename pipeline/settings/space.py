"""The search space: each hyperparameter's range or choices, and when it applies.

Free of torch and Optuna; mapping it to a sampler is left to the search.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, Strict, TypeAdapter, ValidationError, model_validator

from pipeline.settings.base import (
    MOST,
    FiniteNonNegative,
    FinitePositive,
    NonNegative,
    Positive,
    SettingsSection,
    TupleOf,
)
from pipeline.settings.explain import rules_of
from pipeline.settings.shown import show
from pipeline.settings.train import RunSettings

# A searched value as samplers and stores know it; a list of widths is its JSON text.
Value = int | float | str | None
# A value as it is written in params.yaml.
Written = int | float | str | None | TupleOf[int]

# What can be searched: the settings of a run, and five numbers that describe lists of widths.
# Not the seed and the epochs, which the search sets, nor what makes values comparable: likelihood,
# binarisation, precision and device.
Name = Literal[
    "architecture",
    "latent_dim",
    "beta",
    "hidden",
    "channels",
    "conv_hidden",
    "activation",
    "scale",
    "batch_size",
    "learning_rate",
    "schedule",
    "beta_warmup",
    "free_bits",
    "clip_norm",
    "patience",
    "checkpoint",
    "width",
    "depth",
    "blocks",
    "dense",
]
# The numbers that describe lists, by the list. ``channels`` is both: a list, or the first of them.
SHORTHANDS = {"hidden": ("width", "depth"), "channels": ("blocks",), "conv_hidden": ("dense",)}
# The numbers of layers among them.
LAYERS = ("depth", "blocks")
MOST_LAYERS = 100
MOST_NAMED = 50  # choices, in a message


class _Dimension(SettingsSection):
    """The fields that all kinds share."""

    name: Name
    when: Annotated[dict[str, Value], Strict(False)] = Field(default_factory=dict)


class IntRange(_Dimension):
    """Whole numbers from ``low`` to ``high``, both included, ``step`` apart."""

    kind: Literal["int"]
    low: NonNegative
    high: Annotated[int, Field(le=MOST)]
    step: Positive = 1
    log: bool = False

    @model_validator(mode="after")
    def _valid(self) -> Self:
        _require_range(self)
        if self.log and self.step != 1:
            raise ValueError(f"step = {self.step} has no meaning on a log scale; set log: false")
        return self


class FloatRange(_Dimension):
    """Numbers from ``low`` to ``high``, both included; with ``step``, that far apart."""

    kind: Literal["float"]
    low: FiniteNonNegative
    high: Annotated[float, Field(allow_inf_nan=False)]
    step: FinitePositive | None = None
    log: bool = False

    @model_validator(mode="after")
    def _valid(self) -> Self:
        _require_range(self)
        if self.log and self.step is not None:
            raise ValueError(f"step = {self.step:g} has no meaning on a log scale; set log: false")
        return self


class Choice(_Dimension):
    """One of several values, which may be lists of widths."""

    kind: Literal["categorical"]
    choices: TupleOf[Written] = Field(min_length=1)

    @model_validator(mode="after")
    def _valid(self) -> Self:
        if len(set(self.choices)) < len(self.choices):
            shown = ", ".join(map(show, self.choices))
            raise ValueError(f"choices = [{shown}] must not contain duplicates")
        if len({isinstance(choice, tuple) for choice in self.choices}) > 1:
            raise ValueError(f"{self.name}: choices must be all lists, or all single values")
        require_values(self.name, self.choices)
        return self

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """The choices as samplers know them."""
        return tuple(map(to_value, self.choices))


Dimension = Annotated[IntRange | FloatRange | Choice, Field(discriminator="kind")]


def to_value(written: Any) -> Value:
    """Return a value as samplers know it: a list as JSON text, anything else as it is."""
    if isinstance(written, list | tuple):
        return json.dumps(list(written))
    value: Value = written
    return value


def from_value(value: Value) -> Any:
    """Return a value as params.yaml writes it: the inverse of ``to_value``."""
    return json.loads(value) if isinstance(value, str) and value.startswith("[") else value


def _require_range(dimension: IntRange | FloatRange) -> None:
    low, high, step = dimension.low, dimension.high, dimension.step
    if dimension.log and low == 0:
        raise ValueError("low = 0 has no logarithm; increase it, or set log: false")
    if low > high:
        raise ValueError(f"low <= high must hold, but got low = {low:g}, high = {high:g}")
    if step is not None and not _divides(step, high - low):
        raise ValueError(
            f"step = {step:g} must divide high - low = {high - low:g}; change one of them"
        )
    require_values(dimension.name, (low, high))


def _divides(step: float, length: float) -> bool:
    steps = length / step
    if steps > MOST:
        return False
    return abs(steps - round(steps)) < 1e-9 * max(1.0, steps)


def from_text(name: Name, text: str) -> Value:
    """Return a value of a dimension as samplers know it from its text in a table.

    Raises:
        ValueError: if no run could have it, with the rule.
    """
    try:
        written = json.loads(text)
    except (ValueError, RecursionError):  # of a word such as silu, or of lists in lists in lists
        written = text
    require_values(name, [written])
    return to_value(written)


def require_values(name: str, values: Iterable[object]) -> None:
    """Check that a run could have each of the values.

    Raises:
        ValueError: naming the first that it could not have, and the rule.
    """
    for value in values:
        try:
            _rule(name).validate_python(value)
        except ValidationError as error:
            # Unlike elsewhere, 2.0 is not shown as 2, which may be what is wrong with it.
            shown = str(value) if isinstance(value, float) else show(value)
            raise ValueError(f"{name} = {shown} {rules_of(error)}") from None


@cache
def _rule(name: str) -> TypeAdapter[Any]:
    """The rule for a single value of a dimension: that of the setting of the same name."""
    strict = ConfigDict(strict=True)
    if name not in RunSettings.model_fields:
        layers = Annotated[Positive, Field(le=MOST_LAYERS)]
        return TypeAdapter(layers if name in LAYERS else Positive, config=strict)
    field = RunSettings.model_fields[name]
    rule: Any = field.annotation
    for part in field.metadata:
        rule = Annotated[rule, part]
    return TypeAdapter(Positive | rule if name == "channels" else rule, config=strict)


def contains(dimension: Dimension, value: Value) -> bool:
    """Whether a dimension allows a value."""
    if isinstance(dimension, Choice):
        return value in dimension.values
    if isinstance(value, str) or value is None or not dimension.low <= value <= dimension.high:
        return False
    if isinstance(dimension, IntRange) and value != int(value):
        return False
    return dimension.step is None or _divides(dimension.step, value - dimension.low)


def as_declared(dimension: Dimension, value: Value) -> Value:
    """Return an allowed value as samplers choose it: 10 for 10.0, and exactly on a step."""
    if isinstance(dimension, Choice):
        return dimension.values[dimension.values.index(value)]
    assert isinstance(value, int | float), "the value is allowed"
    if isinstance(dimension, IntRange):
        return int(value)
    if dimension.step is None:
        return float(value)
    return at_step(dimension, steps_to(dimension, value))


def steps_to(dimension: IntRange | FloatRange, value: int | float) -> int:
    """Return how many steps lead from ``low`` to a value."""
    assert dimension.step is not None, "only ranges with steps have any"
    return round((value - dimension.low) / dimension.step)


def at_step(dimension: IntRange | FloatRange, k: int) -> int | float:
    """Return the value that is ``k`` steps above ``low``."""
    assert dimension.step is not None, "only ranges with steps have any"
    value = dimension.low + k * dimension.step
    # 1.7 rather than 1.7000000000000002, so that a value is the same however it is reached.
    return value if isinstance(dimension, IntRange) else min(dimension.high, float(f"{value:.12g}"))


def allowed(dimension: Dimension) -> str:
    """Describe what a dimension allows: ``2 to 64``, or its choices."""
    if isinstance(dimension, Choice):
        more = len(dimension.choices) - MOST_NAMED
        others = [f"one of {more:,} more"] if more > 0 else []
        return " or ".join([*map(show, dimension.choices[:MOST_NAMED]), *others])
    step = f" in steps of {dimension.step:g}" if dimension.step not in (None, 1) else ""
    return f"{dimension.low:g} to {dimension.high:g}{step}"


def applies(dimension: Dimension, chosen: Mapping[str, Value]) -> bool:
    """Whether a dimension has a meaning with the values chosen so far."""
    return all(name in chosen and chosen[name] == value for name, value in dimension.when.items())

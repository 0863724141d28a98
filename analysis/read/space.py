"""The dimensions of a search, and their values as people read them."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.words import NOTHING
from pipeline.settings.space import Choice, Dimension, FloatRange, IntRange, Value

DIGITS = 3  # significant ones of a searched number
NONE = "none"  # a choice of no value, or of an empty list
# What no rule makes of a column's name.
NAMES = {
    "latent_dim": "Latent size",
    "hidden": "Hidden layers",
    "conv_hidden": "Dense layers",
    "beta_warmup": "Beta warm-up",
    "clip_norm": "Gradient clipping",
}


@dataclass(frozen=True, slots=True)
class SpaceDimension:
    """What a search varied.

    Attributes:
        name: of its column.
        numeric: whether its values are an amount, and not one of some choices.
        whole: whether they are whole numbers.
        low: smallest value allowed; NaN where there are choices.
        high: largest value allowed; NaN as well.
        log: whether it was searched by its logarithm.
        step: distance of neighbouring values; NaN if any value in between is allowed.
        choices: as text, in the declared order; empty for a range.
        when: the values of other dimensions for which it applies, as text.
    """

    name: str
    numeric: bool
    whole: bool = False
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    step: float = math.nan
    choices: tuple[str, ...] = ()
    when: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """``Learning rate``."""
        return readable(self.name)

    @property
    def condition(self) -> str:
        """``architecture linear``; empty where it always applies."""
        return ", ".join(f"{readable(name).lower()} {value}" for name, value in self.when)

    @property
    def allowed(self) -> str:
        """``0.002 to 0.02``, or the choices."""
        if self.choices:
            return join_values(self.choices)
        steps = "" if math.isnan(self.step) else f" in steps of {shown(self.step)}"
        return f"{shown(self.low)} to {shown(self.high)}{steps}"


def readable(name: str) -> str:
    """A column's name for people: ``Learning rate`` of ``learning_rate``."""
    words = name.replace("_", " ")
    return NAMES.get(name, words[:1].upper() + words[1:])


def shown(value: Any) -> str:
    """A searched value as people write it: numbers to three digits, a dash where there is none."""
    if isinstance(value, str):
        return value or NOTHING
    number = float(value)
    if math.isnan(number):
        return NOTHING
    return f"{number:.0f}" if number == int(number) else f"{number:.{DIGITS}g}"


def join_values(values: Iterable[str]) -> str:
    """Join as ``linear, conv``; with semicolons if a value is a list, such as ``400, 200``."""
    every = tuple(values)
    return ("; " if any("," in value for value in every) else ", ").join(every)


def plain(value: Value) -> str:
    """A choice as text: 24 and 24.0, which a column with gaps makes of it, are the same.

    A list of widths, ``[400, 200]``, becomes ``400, 200``.
    """
    if value is None or value == "null":
        return NONE
    if isinstance(value, str) and value.startswith("["):
        return _widths(value)
    try:
        number = float(value)
    except ValueError:
        return str(value)
    return f"{number:.0f}" if math.isfinite(number) and number == int(number) else str(value)


def _widths(text: str) -> str:
    try:
        return ", ".join(map(str, json.loads(text))) or NONE
    except (ValueError, RecursionError):  # of lists in lists in lists
        return text


def declared(dimensions: Sequence[Dimension]) -> tuple[SpaceDimension, ...]:
    """The dimensions of a plan, as the report shows them."""
    return tuple(_declared(one) for one in dimensions)


def _step(one: IntRange | FloatRange) -> float:
    """The distance of neighbouring values; whole numbers are one apart without saying so."""
    return math.nan if one.step is None or (one.kind == "int" and one.step == 1) else one.step


def _declared(one: Dimension) -> SpaceDimension:
    when = tuple((name, plain(value)) for name, value in one.when.items())
    if isinstance(one, Choice):
        choices = tuple(plain(choice) for choice in one.values)
        return SpaceDimension(one.name, numeric=False, choices=choices, when=when)
    return SpaceDimension(
        name=one.name,
        numeric=True,
        whole=one.kind == "int",
        low=one.low,
        high=one.high,
        log=one.log,
        step=_step(one),
        when=when,
    )

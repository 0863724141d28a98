"""The dimensions of a search: what was declared, or what the trials show where nothing was."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from analysis.words import NOTHING

Value = int | float | str
DIGITS = 3  # significant ones of a searched number
NAMES = {"latent_dim": "Latent size"}  # what no rule makes of a column's name


class Declared(BaseModel):
    """A dimension as the search's plan declares it; see ``pipeline.settings.space``."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    name: str
    kind: Literal["int", "float", "categorical"]
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    choices: list[Value] = []
    when: dict[str, Value] = {}


@dataclass(frozen=True, slots=True)
class SpaceDimension:
    """What a search varied.

    Attributes:
        name: of its column.
        numeric: whether its values are an amount, and not one of some choices.
        whole: whether they are whole numbers.
        low: smallest value allowed; NaN where it is not declared, or there are choices.
        high: largest value allowed; NaN as well.
        log: whether it was searched by its logarithm.
        choices: as text, in the declared order; empty for a range.
        when: the values of other dimensions beside which it applies, as text.
    """

    name: str
    numeric: bool
    whole: bool = False
    low: float = math.nan
    high: float = math.nan
    log: bool = False
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
            return ", ".join(self.choices)
        if math.isnan(self.low):
            return NOTHING
        return f"{shown(self.low)} to {shown(self.high)}"


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


def plain(value: Value) -> str:
    """A choice as text: 24 and 24.0, which a column with gaps makes of it, are the same."""
    try:
        number = float(value)
    except ValueError:
        return str(value)
    return f"{number:.0f}" if math.isfinite(number) and number == int(number) else str(value)


def declared(dimensions: Sequence[Declared]) -> tuple[SpaceDimension, ...]:
    """The dimensions of a plan."""
    return tuple(
        SpaceDimension(
            name=one.name,
            numeric=one.kind != "categorical",
            whole=one.kind == "int",
            low=one.low,
            high=one.high,
            log=one.log,
            choices=tuple(plain(choice) for choice in one.choices),
            when=tuple((name, plain(value)) for name, value in one.when.items()),
        )
        for one in dimensions
    )


def inferred(cells: Mapping[str, pd.Series]) -> tuple[SpaceDimension, ...]:
    """The dimensions that columns of text show: an amount where every cell is a number."""
    found = []
    for name, column in cells.items():
        texts = pd.Series([cell for cell in column if isinstance(cell, str) and cell])
        numbers = pd.to_numeric(texts, errors="coerce")
        numeric = bool(len(texts)) and bool(numbers.notna().all())
        whole = numeric and bool((numbers % 1 == 0).all())
        found.append(SpaceDimension(name=name, numeric=numeric, whole=whole))
    return tuple(found)

"""Axes of searched dimensions, with plain numbers as ticks even on logarithmic scales."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from analysis.read.space import SpaceDimension, shown
from analysis.words import NOTHING

TICKS = 5
STEPS = 6  # ranges of fewer whole numbers are drawn like choices
# Multiples of these, modulo 1, never cluster and are independent of each other: they spread points
# evenly by their number (the first two of the R-sequence, Roberts 2018).
SIDEWAYS, UPWARDS = 0.7548776662466927, 0.5698402909980532


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values of a dimension to positions on a linear axis.

    Attributes:
        log: whether positions are decimal logarithms.
        choices: at positions 0, 1, ...; empty for a numeric dimension.
        crowded: whether many trials share a position.
        low: first position of the axis.
        high: last position of the axis.
        ticks: positions with their labels.
    """

    log: bool
    choices: tuple[str, ...]
    crowded: bool
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def positions(self, column: pd.Series) -> NDArray[np.float64]:
        """Return the positions of trials.

        Args:
            column: values of the dimension, none missing.
        """
        if self.choices:
            places = {name: place for place, name in enumerate(self.choices)}
            return np.array([places[value] for value in column], dtype=np.float64)
        values: NDArray[np.float64] = column.to_numpy(dtype=np.float64)
        return np.log10(values) if self.log else values

    def spread(self, column: pd.Series, numbers: pd.Series) -> NDArray[np.float64]:
        """Return the positions of trials, spread sideways if many share a position."""
        moved = 0.5 * jitter(numbers, SIDEWAYS) if self.crowded else 0.0
        return self.positions(column) + moved

    def horizontal(self, axes: Axes) -> None:
        """Set limits and ticks of the horizontal axis."""
        axes.set_xlim(self.low, self.high)
        axes.set_xticks(*self._ticks())

    def vertical(self, axes: Axes) -> None:
        """Set limits and ticks of the vertical axis."""
        axes.set_ylim(self.low, self.high)
        axes.set_yticks(*self._ticks())

    def _ticks(self) -> tuple[list[float], list[str]]:
        return [place for place, _ in self.ticks], [label for _, label in self.ticks]


def jitter(numbers: pd.Series, step: float) -> NDArray[np.float64]:
    """Return an even spread in [-0.5, 0.5) that is determined by the numbers."""
    return (numbers.to_numpy(dtype=float) * step) % 1 - 0.5


def scale_of(dimension: SpaceDimension, column: pd.Series) -> Scale:
    """Return a scale that covers everything that was allowed or tried.

    Args:
        dimension: as declared.
        column: the values tried, at least one.
    """
    if not dimension.numeric:
        choices = (*dimension.choices, *sorted(set(column) - set(dimension.choices) - {""}))
        ticks = tuple((float(place), name or NOTHING) for place, name in enumerate(choices))
        return Scale(False, choices, True, -0.6, len(choices) - 0.4, ticks)
    low = float(min(column.min(), dimension.low))
    high = float(max(column.max(), dimension.high))
    if dimension.whole and high - low < STEPS:
        ticks = tuple((float(place), str(place)) for place in range(int(low), int(high) + 1))
        return Scale(False, (), True, low - 0.6, high + 0.6, ticks)
    log = dimension.log and low > 0
    values = _log_ticks(low, high) if log else _linear_ticks(low, high, dimension.whole)
    ticks = tuple((math.log10(value) if log else value, shown(value)) for value in values)
    if log:
        low, high = math.log10(low), math.log10(high)
    margin = 0.04 * (high - low) or 0.5
    return Scale(log, (), False, low - margin, high + margin, ticks)


def _linear_ticks(low: float, high: float, whole: bool) -> list[float]:
    """Round numbers within the range."""
    if low == high:
        return [low]
    locator = MaxNLocator(TICKS, steps=[1, 2, 2.5, 5, 10], integer=whole)
    steps = locator.tick_values(low, high)
    # Steps of a tenth are off by a rounding error.
    inside = [round(float(value), 12) for value in steps]
    return [value for value in inside if low <= value <= high]


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten within the range, more or fewer as space permits."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        values = [float(f"{factor}e{decade}") for decade in decades for factor in factors]
        inside = [value for value in values if low <= value <= high]
        if len(inside) <= TICKS:
            break
    else:
        inside = inside[:: -(-len(inside) // TICKS)]
    return inside if len(inside) > 1 else sorted({low, *inside, high})

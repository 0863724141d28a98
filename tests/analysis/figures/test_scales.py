"""Axes of searched dimensions."""

import numpy as np
import pandas as pd
import pytest

from analysis.figures.scales import scale_of
from analysis.read.space import SpaceDimension


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (2.0, 64.0, ["2", "5", "10", "20", "50"]),
        (0.002, 0.02, ["0.002", "0.005", "0.01", "0.02"]),
        (128.0, 512.0, ["150", "200", "300", "500"]),
        (1e-6, 1.0, ["1e-06", "0.0001", "0.01", "1"]),
        (101.0, 103.0, ["101", "103"]),
    ],
)
def test_logarithmic_axes_have_plain_numbers(low: float, high: float, labels: list[str]) -> None:
    dimension = SpaceDimension("width", True, low=low, high=high, log=True)
    scale = scale_of(dimension, pd.Series([low, high]))
    assert [label for _, label in scale.ticks] == labels
    assert scale.low < np.log10(low) < np.log10(high) < scale.high
    assert scale.positions(pd.Series([low])).tolist() == [np.log10(low)]


def test_whole_numbers_have_no_ticks_between_them() -> None:
    few = scale_of(SpaceDimension("depth", True, whole=True, low=1, high=3), pd.Series([1, 2]))
    assert few.ticks == ((1.0, "1"), (2.0, "2"), (3.0, "3"))
    many = scale_of(SpaceDimension("size", True, whole=True, low=2, high=12), pd.Series([2, 5]))
    assert all("." not in label for _, label in many.ticks)


def test_choices_are_in_declared_order_and_spread_by_number() -> None:
    dimension = SpaceDimension("channels", False, choices=("24", "16"))
    numbers = pd.Series(range(40))
    column = pd.Series(["24", "16", "8", "16"] * 10)
    scale = scale_of(dimension, column)
    assert scale.choices == ("24", "16", "8")
    spread = scale.spread(column, numbers)
    assert np.round(spread).tolist() == [0, 1, 2, 1] * 10, "none is nearer another choice"
    assert len(set(spread)) == 40
    assert scale.spread(column, numbers).tolist() == spread.tolist()


def test_a_single_value_has_an_axis() -> None:
    scale = scale_of(SpaceDimension("beta", True), pd.Series([0.5, 0.5]))
    assert scale.ticks == ((0.5, "0.5"),)
    assert scale.low < 0.5 < scale.high

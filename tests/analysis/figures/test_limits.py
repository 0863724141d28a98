"""Axes show all points, and no interval dominates them."""

import math

import pytest

from analysis.figures.limits import REACH, view


def test_intervals_within_reach_are_shown_whole() -> None:
    low, high = view([0.0, 10.0], [-2.0, 12.0])
    assert low < -2.0
    assert high > 12.0


def test_a_very_wide_interval_is_clipped() -> None:
    low, high = view([0.0, 10.0], [-1000.0, 1000.0])
    margin = 0.05 * (10 + 20 * REACH)
    assert (low, high) == pytest.approx((-10 * REACH - margin, 10 + 10 * REACH + margin))


def test_no_interval_and_a_single_point() -> None:
    assert view([3.0], [math.nan]) == (2.0, 4.0)
    low, high = view([3.0], [2.0, 5.0])
    assert low < 2.0 < 5.0 < high

"""Pareto-optimal points of sets with an obvious answer."""

import math

import pytest

from analysis.estimate.pareto import pareto_optimal


@pytest.mark.parametrize(
    ("points", "optimal"),
    [
        ([(1, 3), (2, 2), (3, 1), (3, 3), (2, 3)], [True, True, True, False, False]),
        ([(1, 1), (1, 1), (1, 2)], [True, True, False]),
        ([(1, 2), (1, 1)], [False, True]),
        ([(math.nan, 0), (1, 1)], [False, True]),
        ([(5, 5)], [True]),
        ([(1, 9, 9), (9, 1, 9), (9, 9, 1), (9, 9, 9)], [True, True, True, False]),
    ],
    ids=["front-and-rest", "twins", "equal-in-one", "unknown", "alone", "three-costs"],
)
def test_pareto_optimal_points(points: list[tuple[float, ...]], optimal: list[bool]) -> None:
    assert pareto_optimal(points).tolist() == optimal

"""Pareto-optimal points of sets whose answer is plain."""

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
def test_what_no_other_beats(points: list[tuple[float, ...]], optimal: list[bool]) -> None:
    assert pareto_optimal(points).tolist() == optimal

"""p-values of differences, and their correction for many comparisons."""

import math

import pytest

from analysis.estimate.intervals import difference_interval
from analysis.estimate.significance import holm, welch_p


def test_the_p_value_of_equal_variances_is_students() -> None:
    # Four degrees of freedom, for which Student's distribution has a closed form in s.
    t = 3 / math.sqrt(2 / 3)
    s = t / math.sqrt(4 + t**2)
    assert welch_p([1, 2, 3], [4, 5, 6]) == pytest.approx(1 - 1.5 * s + 0.5 * s**3, rel=1e-12)


def test_the_p_value_agrees_with_the_interval() -> None:
    values, reference = [1.0, 2.0, 4.0], [3.0, 3.5, 3.9, 8.0]
    p = welch_p(values, reference)
    edge = difference_interval(values, reference, 1 - p)
    assert edge.high == pytest.approx(0, abs=1e-9)
    assert welch_p(reference, values) == p


def test_without_spread_a_difference_is_certain_and_one_seed_gives_none() -> None:
    assert welch_p([1, 1], [2, 2]) == 0
    assert welch_p([1, 1], [1, 1]) == 1
    assert math.isnan(welch_p([1], [2, 3]))


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.04, 0.01], [0.04, 0.02]),
        ([0.8, 0.6], [1.0, 1.0]),
        ([0.04], [0.04]),
        ([], []),
    ],
)
def test_holm(p_values: list[float], adjusted: list[float]) -> None:
    assert holm(p_values) == pytest.approx(adjusted)


def test_a_missing_value_does_not_count() -> None:
    assert holm([math.nan, 0.02, 0.03]) == pytest.approx([math.nan, 0.04, 0.04], nan_ok=True)

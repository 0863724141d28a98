"""Monte Carlo errors against closed forms and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.montecarlo import from_groups, from_repeats, importance_weighted_bound
from tests.analysis.coverage import CASES, covers

numbers = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12)


def test_repeats_have_the_standard_error_of_their_mean() -> None:
    repeats = [86.1, 86.4, 86.2, 86.3]
    found = from_repeats(repeats, 0.95)
    exact = stats.ttest_1samp(repeats, 0).confidence_interval(0.95)
    assert found.value == pytest.approx(86.25)
    assert found.standard_error == pytest.approx(stats.sem(repeats))
    assert (found.interval.low, found.interval.high) == pytest.approx((exact.low, exact.high))


def test_one_repeat_has_no_error() -> None:
    with pytest.raises(ValueError, match="two or more repeats"):
        from_repeats([86.0], 0.95)
    with pytest.raises(ValueError, match="two or more groups"):
        from_groups(np.zeros((1, 3)), importance_weighted_bound, 0.95)


@given(numbers)
def test_the_jackknife_of_a_mean_is_its_standard_error(groups: list[float]) -> None:
    """The only statistic for which both are equal (Efron & Stein 1981)."""
    plain = from_repeats(groups, 0.95)
    jackknifed = from_groups(np.array(groups), lambda some: float(np.mean(some)), 0.95)
    assert jackknifed.standard_error == pytest.approx(plain.standard_error, abs=1e-6)
    assert jackknifed.interval.low == pytest.approx(plain.interval.low, abs=1e-4)


@given(numbers, st.floats(-500, 500))
def test_groups_combine_to_the_bound_of_all_draws(weights: list[float], shift: float) -> None:
    """One draw per group, two images: -log of the mean weight, without overflow at any scale."""
    log_weights = np.array([weights, weights]).T  # (G, N)
    bound = importance_weighted_bound(log_weights)
    largest = max(weights)
    mean = sum(math.exp(weight - largest) for weight in weights) / len(weights)
    assert bound == pytest.approx(-largest - math.log(mean), abs=1e-9)
    assert importance_weighted_bound(log_weights + shift) == pytest.approx(bound - shift, abs=1e-9)


def test_95_percent_intervals_over_repeats_cover() -> None:
    repeats = np.random.default_rng(0).normal(86.1, 0.1, (CASES, 10))
    assert covers(86.1, lambda case: from_repeats(repeats[case].tolist(), 0.95).interval)


def test_95_percent_intervals_over_groups_cover() -> None:
    """Log-normal weights of mean 1, so -log p(x) = 0: 10 groups of 50 draws, 20 images."""
    rng = np.random.default_rng(0)
    sigma = 0.5
    weights = rng.lognormal(-(sigma**2) / 2, sigma, (CASES, 10, 20, 50)).mean(-1)
    log_means = np.log(weights)
    assert covers(
        0.0, lambda case: from_groups(log_means[case], importance_weighted_bound, 0.95).interval
    )

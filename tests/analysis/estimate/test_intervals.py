"""Intervals against scipy's, and by simulation."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.estimate.intervals import (
    contrast_interval,
    difference_interval,
    interval_of,
    mean_interval,
    probability_of_improvement,
    sorted_kl_per_dim,
    summarise,
    training_bands,
)
from pipeline.schemas.metrics import ELBO, KL, RECONSTRUCTION
from tests.analysis.conftest import read_results
from tests.analysis.coverage import CASES, covers

VALUES = [-111.2, -112.9, -111.7, -113.0]
REFERENCE = [-114.1, -113.2, -115.9]


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_mean_interval_is_students(confidence: float) -> None:
    interval = mean_interval(VALUES, confidence)
    exact = stats.ttest_1samp(VALUES, 0).confidence_interval(confidence)
    assert interval.mean == pytest.approx(np.mean(VALUES))
    assert (interval.low, interval.high) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_difference_interval_is_welchs(confidence: float) -> None:
    interval = difference_interval(VALUES, REFERENCE, confidence)
    exact = stats.ttest_ind(VALUES, REFERENCE, equal_var=False).confidence_interval(confidence)
    assert interval.mean == pytest.approx(np.mean(VALUES) - np.mean(REFERENCE))
    assert (interval.low, interval.high) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_the_contrast_of_two_groups_is_welchs(confidence: float) -> None:
    """Half the sum is half the difference between a group and the other group negated."""
    turned = [-value for value in REFERENCE]
    interval = contrast_interval([VALUES, turned], [0.5, 0.5], confidence)
    exact = stats.ttest_ind(VALUES, REFERENCE, equal_var=False).confidence_interval(confidence)
    assert (interval.low, interval.high) == pytest.approx((exact.low / 2, exact.high / 2))
    assert interval.mean == pytest.approx((np.mean(VALUES) - np.mean(REFERENCE)) / 2)


def test_the_contrast_of_one_group_is_students() -> None:
    own, exact = contrast_interval([VALUES], [1], 0.95), mean_interval(VALUES, 0.95)
    assert (own.low, own.mean, own.high) == pytest.approx((exact.low, exact.mean, exact.high))


def test_a_contrast_with_equal_variances_has_the_pooled_degrees_of_freedom() -> None:
    """For k groups of n values with equal variance: k (n - 1), the pooled t interval."""
    groups = [[0.0, 1.0, 2.0], [10.0, 11.0, 12.0], [5.0, 6.0, 7.0], [3.0, 4.0, 5.0]]
    interval = contrast_interval(groups, [0.5, -0.5, 0.5, -0.5], 0.95)
    half = stats.t.ppf(0.975, 8) * math.sqrt(4 * 0.25 / 3)
    assert (interval.mean, interval.high) == pytest.approx((-4, -4 + half))


def test_a_contrast_needs_two_values_and_a_coefficient_for_each_group() -> None:
    assert not contrast_interval([VALUES, VALUES, [1.0]], [1, -2, 1], 0.95).is_known
    with pytest.raises(ValueError, match="shorter"):
        contrast_interval([VALUES, REFERENCE], [1], 0.95)
    with pytest.raises(ValueError, match="at least one value"):
        contrast_interval([VALUES, []], [1, -1], 0.95)


@pytest.mark.parametrize("seeds", [(3, 3, 3, 3), (5, 3, 4, 5)])
def test_95_percent_intervals_of_contrasts_cover(seeds: tuple[int, ...]) -> None:
    """The mean of two differences between groups with different means and variances."""
    rng = np.random.default_rng(sum(seeds))
    means, spreads = (-110, -112, -150, -151), (0.5, 1.0, 2.0, 1.5)
    groups = [
        rng.normal(mean, spread, (CASES, amount)).tolist()
        for mean, spread, amount in zip(means, spreads, seeds, strict=True)
    ]
    coefficients = (0.5, -0.5, 0.5, -0.5)
    assert covers(
        1.5, lambda case: contrast_interval([g[case] for g in groups], coefficients, 0.95)
    )


def test_one_seed_has_a_mean_and_no_interval() -> None:
    interval = mean_interval([-110.0], 0.95)
    assert interval.mean == -110.0
    assert not interval.is_known
    assert math.isnan(interval.high)
    assert not difference_interval(VALUES, [-110.0], 0.95).is_known


def test_equal_values_have_an_interval_of_width_zero() -> None:
    interval = mean_interval([2.0, 2.0], 0.95)
    assert (interval.low, interval.high) == (2.0, 2.0)
    difference = difference_interval([2.0, 2.0], [1.0, 1.0], 0.95)
    assert (difference.low, difference.mean, difference.high) == (1.0, 1.0, 1.0)


def test_nearly_equal_values_have_an_interval() -> None:
    """Their variances are representable, but the squares of these underflow."""
    assert difference_interval([0.0, 1e-90], [1.0, 1.0 + 1e-15], 0.95).is_known
    assert difference_interval([0.0, 1e-90], [0.0, 2e-90], 0.95).is_known


def test_no_values_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        mean_interval([], 0.95)


@pytest.mark.parametrize("seeds", [3, 5])
def test_95_percent_intervals_over_seeds_cover(seeds: int) -> None:
    values = np.random.default_rng(seeds).normal(-110, 2, (CASES, seeds))
    assert covers(-110, lambda case: mean_interval(values[case].tolist(), 0.95))


@pytest.mark.parametrize(("seeds", "seeds_0", "spread_0"), [(5, 5, 3.0), (5, 3, 0.5)])
def test_95_percent_intervals_of_differences_cover(
    seeds: int, seeds_0: int, spread_0: float
) -> None:
    """With unequal variances, for which Student's two-sample interval would fail."""
    rng = np.random.default_rng(seeds_0)
    values = rng.normal(-110, 1, (CASES, seeds))
    reference = rng.normal(-112, spread_0, (CASES, seeds_0))
    assert covers(
        2, lambda case: difference_interval(values[case].tolist(), reference[case].tolist(), 0.95)
    )


def test_probability_of_improvement_counts_pairs() -> None:
    assert probability_of_improvement([3, 1], [2, 0], ELBO) == 0.75
    assert probability_of_improvement([3, 1], [2, 0], RECONSTRUCTION) == 0.25
    assert probability_of_improvement([1], [1, 1, 0], ELBO) == pytest.approx(2 / 3)
    assert math.isnan(probability_of_improvement([3, 1], [2, 0], KL))
    with pytest.raises(ValueError, match="at least one value"):
        probability_of_improvement([], [1.0], ELBO)


finite = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8)


@given(finite, finite)
def test_probability_of_improvement_is_one(ours: list[float], theirs: list[float]) -> None:
    """It is the Mann-Whitney statistic per pair; both directions add up to one."""
    found = probability_of_improvement(ours, theirs, ELBO)
    statistic = stats.mannwhitneyu(ours, theirs, method="asymptotic").statistic
    assert found == pytest.approx(statistic / (len(ours) * len(theirs)))
    assert found + probability_of_improvement(theirs, ours, ELBO) == pytest.approx(1)
    assert probability_of_improvement(ours, theirs, RECONSTRUCTION) == pytest.approx(1 - found)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8),
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8),
)
def test_swapping_sides_negates_the_difference(ours: list[float], theirs: list[float]) -> None:
    there = difference_interval(ours, theirs, 0.95)
    back = difference_interval(theirs, ours, 0.95)
    assert (there.low, there.mean, there.high) == pytest.approx(
        (-back.high, -back.mean, -back.low), abs=1e-6
    )
    assert there.low <= there.mean <= there.high


def test_summary_has_one_row_per_configuration(results_folder: Path) -> None:
    summary = summarise(read_results(results_folder).runs, 0.95)
    assert summary["model"].tolist() == ["linear-2", "linear-10", "conv-2", "conv-10"]
    assert summary["elbo_mean"].tolist() == [-160.0, -112.0, -155.0, -111.75]
    assert summary["seeds"].tolist() == [2] * 4
    assert summary["train_seconds_mean"].tolist() == [10.5] * 4
    assert summary["active_units_mean"].tolist() == [2.0, 6.5, 2.0, 6.5]
    exact = mean_interval([-160.5, -159.5], 0.95)
    assert interval_of(summary.iloc[0], "elbo") == exact


def test_training_bands(results_folder: Path) -> None:
    bands = training_bands(read_results(results_folder).history, 0.95)
    row = bands.query("model == 'conv-2' and split == 'valid' and epoch == 6").iloc[0]
    exact = mean_interval([-165.5, -164.5], 0.95)
    assert row["elbo_mean"] == pytest.approx(exact.mean)
    assert (row["elbo_low"], row["elbo_high"]) == pytest.approx((exact.low, exact.high))
    assert len(bands) == 4 * 2 * 6


def test_bands_of_one_seed_have_no_width(results_folder: Path) -> None:
    history = read_results(results_folder).history
    bands = training_bands(history[history["seed"] == 0], 0.95)
    assert bands["elbo_low"].isna().all()
    assert bands["elbo_mean"].notna().all()


def test_bands_end_with_the_shortest_run(results_folder: Path) -> None:
    history = read_results(results_folder).history
    stopped = history[(history["seed"] == 0) | (history["epoch"] <= 4)]
    assert training_bands(stopped, 0.95)["epoch"].max() == 4


def test_kl_is_ranked_within_each_run() -> None:
    runs = pd.DataFrame({"model": "a", "kl_per_dim": [(0.0, 3.0, 1.0), (2.0, 0.0, 5.0)]})
    ranked = sorted_kl_per_dim(runs)
    assert ranked["rank"].tolist() == [1, 2, 3]
    assert ranked["mean"].tolist() == [4.0, 1.5, 0.0]
    assert ranked["lowest"].tolist() == [3.0, 1.0, 0.0]
    assert ranked["highest"].tolist() == [5.0, 2.0, 0.0]

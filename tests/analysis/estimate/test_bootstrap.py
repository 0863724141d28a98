"""The paired bootstrap over images, against scipy's and by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.estimate.bootstrap import RESAMPLES, ImageBootstrap, resampled_means
from analysis.estimate.intervals import Interval
from tests.analysis.coverage import CASES, share_covered


def values(runs: int, images: int = 30, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(-110, 20, (runs, images))


def interval(
    subject: np.ndarray, reference: np.ndarray, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """The interval of the difference between two sets of runs, (S, N) and (T, N)."""
    subjects = {f"subject {run}": row for run, row in enumerate(subject)}
    references = {f"reference {run}": row for run, row in enumerate(reference)}
    runs = ImageBootstrap(subjects | references, resamples=resamples, seed=seed)
    return runs.difference(list(subjects), list(references), 0.95)


def test_the_interval_matches_scipys_percentile_interval() -> None:
    subject, reference = values(1), values(1, seed=1)
    ours = interval(subject, reference)
    scipys = stats.bootstrap(
        ((subject - reference)[0],),
        np.mean,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(1),
    )
    width = ours.high - ours.low
    assert ours.mean == pytest.approx((subject - reference).mean())
    assert ours.low == pytest.approx(scipys.confidence_interval.low, abs=0.03 * width)
    assert ours.high == pytest.approx(scipys.confidence_interval.high, abs=0.03 * width)


def test_image_difficulty_cancels_out() -> None:
    hard = values(1)
    paired = interval(hard + 1, hard)
    assert (paired.low, paired.mean, paired.high) == pytest.approx((1, 1, 1))


def test_several_runs_per_side_are_averaged_by_image() -> None:
    subject, reference = values(3), values(2, seed=1)
    means = interval(subject.mean(0, keepdims=True), reference.mean(0, keepdims=True))
    found = interval(subject, reference)
    assert (found.low, found.mean, found.high) == pytest.approx((means.low, means.mean, means.high))


def test_a_seed_decides() -> None:
    subject, reference = values(1), values(1, seed=1)
    assert interval(subject, reference) == interval(subject, reference)
    assert interval(subject, reference) != interval(subject, reference, seed=1)


def test_no_images_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one image"):
        resampled_means(np.empty((1, 0)), np.random.default_rng(0))


def test_block_size_does_not_change_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = resampled_means(values(2), np.random.default_rng(0), 50)
    monkeypatch.setattr("analysis.estimate.bootstrap._BLOCK", 7 * 30)
    parts = resampled_means(values(2), np.random.default_rng(0), 50)
    np.testing.assert_allclose(whole, parts)


def test_shared_resamples_give_the_same_interval() -> None:
    """A mean of differences is the difference of means, resample by resample."""
    table = values(4)
    runs = ImageBootstrap(dict(zip("abcd", table, strict=True)), seed=3)
    shared = runs.difference(["a", "b"], ["c", "d"], 0.95)
    differences = table[:2].mean(0) - table[2:].mean(0)
    means = resampled_means(differences[None], np.random.default_rng(3))[0]
    low, high = np.quantile(means, [0.025, 0.975])
    assert (shared.low, shared.mean, shared.high) == pytest.approx((low, differences.mean(), high))


def test_a_run_without_values_leaves_the_difference_unknown() -> None:
    runs = ImageBootstrap(dict(zip("ab", values(2), strict=True)))
    assert not runs.difference(["a"], ["b", "c"], 0.95).is_known
    assert not ImageBootstrap({}).difference(["a"], ["b"], 0.95).is_known


def test_95_percent_intervals_cover_a_skewed_mean() -> None:
    """500 images whose differences are exponential, of skewness 2."""
    rng = np.random.default_rng(0)
    differences = rng.exponential(size=(CASES, 500))
    # The same resamples serve all cases: one product of matrices instead of 2,000 bootstraps.
    means = resampled_means(differences, rng, 2000)
    low, high = np.quantile(means, [0.025, 0.975], axis=1)
    assert share_covered(1.0, low, high)


@given(
    shift=st.floats(-1e3, 1e3),
    scale=st.floats(0.01, 100),
    seed=st.integers(0, 2**32 - 1),
)
def test_intervals_shift_and_scale_with_the_differences(
    shift: float, scale: float, seed: int
) -> None:
    subject, reference = values(2, 10, seed), values(1, 10, seed + 1)
    first = interval(subject, reference, resamples=200)
    moved = interval(scale * subject + shift, scale * reference, resamples=200)
    for end in ("low", "mean", "high"):
        assert getattr(moved, end) == pytest.approx(scale * getattr(first, end) + shift, abs=1e-6)
    swapped = interval(reference, subject, resamples=200)
    assert (swapped.low, swapped.high) == pytest.approx((-first.high, -first.low))
    assert first.low <= first.high

"""Rank correlations with their intervals, and the statement on contrast and defects."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.read.frames import Results
from analysis.statements import Decision, StatementVerdict
from analysis.statements.defects import correlation_interval, decide_defects, rank_correlation
from analysis.statements.evidence import gather
from tests.analysis.coverage import CASES, covers
from tests.analysis.statements.worlds import Value, world


def rising(architecture: str, size: int) -> float:
    return 0.1 * size + 0.05 * (architecture == "conv")


def falling(architecture: str, size: int) -> float:
    return -rising(architecture, size)


def unrelated(architecture: str, size: int) -> float:
    """Rank correlation 0 with rising values: the middle half is above, the ends are below."""
    return float(size in (5, 10))


def decide(results: Results) -> Decision:
    return decide_defects(gather(results, {}, 0.95))


@pytest.mark.parametrize(
    ("defects", "verdict", "mean"),
    [
        (rising, "supported", 1.0),
        (falling, "contradicted", -1.0),
        (unrelated, "not distinguishable", 0.0),
    ],
)
def test_the_sign_of_the_correlation_decides(
    defects: Value, verdict: StatementVerdict, mean: float
) -> None:
    results = world(sizes=[2, 5, 10, 20], values={"contrast": rising, "low_confidence": defects})
    decision = decide(results)
    assert decision.verdict == verdict
    assert decision.effect.mean == pytest.approx(mean)
    assert -1 <= decision.effect.low < decision.effect.high <= 1
    assert decision.runs == 24
    assert "each over 8 configurations" in decision.reasons[0]


def test_all_betas_are_included() -> None:
    decision = decide(
        world(betas=[1.0, 4.0], values={"contrast": rising, "low_confidence": rising})
    )
    assert "each over 8 configurations" in decision.reasons[0]
    assert decision.runs == 24


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seeds": 1}, "Fewer than two seeds"),
        ({"sizes": [2]}, "A meaningful rank correlation needs 4 configurations"),
        ({"values": {"contrast": rising}}, "Contrast or low_confidence is the same in all"),
    ],
)
def test_missing_data_is_reported(changes: dict[str, object], reason: str) -> None:
    given_values = {"values": {"contrast": rising, "low_confidence": rising}} | changes
    decision = decide(world(**given_values))  # type: ignore[arg-type]
    assert decision.verdict == "cannot be decided"
    assert decision.reasons[0].startswith(reason)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=4, max_size=9))
def test_the_correlation_is_spearmans(pairs: list[tuple[int, int]]) -> None:
    first, second = (list(side) for side in zip(*pairs, strict=True))
    found = rank_correlation(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(stats.spearmanr(first, second).statistic)


def test_identical_seeds_have_the_width_of_rounding() -> None:
    """With 4 items, correlations are 0.2 apart; t is 4.303 with 2 degrees of freedom."""
    half = 4.3027 * 0.2 / np.sqrt(12) / np.sqrt(3)
    interval = correlation_interval([0.8, 0.8, 0.8], 4, 0.95)
    assert (interval.low, interval.high) == pytest.approx((0.8 - half, 0.8 + half), abs=1e-4)
    perfect = correlation_interval([1.0, 1.0, 1.0], 4, 0.95)
    assert (perfect.mean, perfect.high) == (1, 1)
    assert perfect.low == pytest.approx(1 - half, abs=1e-4)


def test_different_seeds_have_students_interval() -> None:
    values = [0.3, -0.1, 0.2]
    interval = correlation_interval(values, 8, 0.95)
    exact = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((exact.low, exact.high))
    assert not correlation_interval([0.3], 8, 0.95).is_known


@pytest.mark.parametrize(("seeds", "items"), [(2, 8), (3, 8), (3, 6)])
def test_95_percent_intervals_of_correlations_cover(seeds: int, items: int) -> None:
    """For rankings that are unrelated."""
    rng = np.random.default_rng(seeds * items)
    ranks = np.arange(items)
    orders = rng.permuted(np.tile(ranks, (CASES * seeds, 1)), axis=1)
    squares = ((orders - ranks) ** 2).sum(1)
    correlations = (1 - 6 * squares / (items**3 - items)).reshape(CASES, seeds)
    assert covers(0, lambda case: correlation_interval(correlations[case].tolist(), items, 0.95))

"""Coverage of intervals: simulation of cases with a known truth."""

from collections.abc import Callable

import numpy as np

from analysis.estimate.intervals import Interval

CASES = 2000  # the share then has a standard error of 0.5 %


def share_covered(truth: float, low: np.ndarray, high: np.ndarray) -> bool:
    """Whether 93 to 97 % of the 95 % intervals contain the truth."""
    assert len(low) == CASES
    share = np.mean((low <= truth) & (truth <= high))
    assert 0.93 <= share <= 0.97, share
    return True


def covers(truth: float, make: Callable[[int], Interval]) -> bool:
    """The same for intervals that are computed one by one."""
    intervals = [make(case) for case in range(CASES)]
    ends = np.array([(interval.low, interval.high) for interval in intervals])
    return share_covered(truth, *ends.T)

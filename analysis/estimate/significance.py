"""p-values of differences between means, corrected for the number of comparisons."""

import math
from collections.abc import Sequence

from scipy.special import stdtr

from analysis.estimate.intervals import contrast_error


def welch_p(values: Sequence[float], reference: Sequence[float]) -> float:
    """Return the two-sided p-value of a difference of two means (Welch 1947).

    It is below 1 - confidence exactly if ``difference_interval`` excludes zero.

    Args:
        values: one per seed, at least one.
        reference: likewise.

    Returns:
        In [0, 1]; NaN if either has only one value.

    Raises:
        ValueError: if either is empty.
    """
    return contrast_p((values, reference), (1, -1))


def contrast_p(groups: Sequence[Sequence[float]], coefficients: Sequence[float]) -> float:
    """Return the two-sided p-value of a contrast, as ``welch_p`` does for the one of two groups.

    Args:
        groups: one value per seed, at least one in each group.
        coefficients: one per group.

    Raises:
        ValueError: if a group is empty, or there is not one coefficient per group.
    """
    total, error, freedom = contrast_error(groups, coefficients)
    if not freedom:
        return math.nan
    if error == 0:
        return 1.0 if total == 0 else 0.0
    return float(2 * stdtr(freedom, -abs(total / error)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that the chance of any false positive is kept (Holm 1979).

    The k-th smallest of m is multiplied by m - k + 1 (k from 1), and none is less than a smaller
    one's.

    Args:
        p_values: those of one family of comparisons; NaN where there is none, which does not count.

    Returns:
        One per value, in the same order, at most 1; NaN stays NaN.
    """
    known = [place for place, p in enumerate(p_values) if not math.isnan(p)]
    adjusted, largest = [math.nan] * len(p_values), 0.0
    for rank, place in enumerate(sorted(known, key=lambda place: p_values[place])):
        largest = max(largest, min(1.0, (len(known) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted

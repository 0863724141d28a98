"""The estimator as a source of uncertainty: what fresh random draws would change.

The error of an estimate for fixed images and a fixed model, computed from estimates repeated with
independent noise, or from independent groups of the draws behind one estimate.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.estimate.intervals import Interval, interval_from_error, mean_interval

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MonteCarloEstimate:
    """An estimate with its Monte Carlo error.

    Attributes:
        value: the estimate.
        standard_error: standard error of ``value``.
        interval: around ``value``, by Student's t over repeats or groups.
    """

    value: float
    standard_error: float
    interval: Interval


def from_repeats(repeats: Sequence[float], confidence: float) -> MonteCarloEstimate:
    """Mean of repeated estimates, each with independent noise.

    Args:
        repeats: at least two.
        confidence: coverage of the interval, in (0, 1).

    Raises:
        ValueError: if there are fewer than two.
    """
    if len(repeats) < 2:
        raise ValueError(f"a Monte Carlo error needs two or more repeats, but got {len(repeats)}")
    error = float(np.std(repeats, ddof=1)) / math.sqrt(len(repeats))
    return MonteCarloEstimate(float(np.mean(repeats)), error, mean_interval(repeats, confidence))


def from_groups(
    groups: Array, statistic: Callable[[Array], float], confidence: float
) -> MonteCarloEstimate:
    """A statistic of all draws, with its error by the jackknife over independent groups of draws.

    For estimates that are not a simple mean, such as the logarithm of one: the mean over groups
    would estimate something else (an importance-weighted bound at a smaller K). The groups are left
    out one at a time (Quenouille 1956; Efron & Stein 1981,
    https://doi.org/10.1214/aos/1176345462).

    Args:
        groups: (G, ...), one entry per group along the first axis, at least two.
        statistic: maps any number of groups to one number.
        confidence: coverage of the interval, in (0, 1).

    Raises:
        ValueError: if there are fewer than two groups.
    """
    count = len(groups)
    if count < 2:
        raise ValueError(f"a jackknife needs two or more groups, but got {count}")
    left_out = [statistic(np.delete(groups, place, axis=0)) for place in range(count)]
    error = math.sqrt((count - 1) * float(np.var(left_out)))
    value = statistic(groups)
    return MonteCarloEstimate(
        value, error, interval_from_error(value, error, count - 1, confidence)
    )


def importance_weighted_bound(log_mean_weights: Array) -> float:
    """Bound on -log p(x), averaged over images, from groups of equally many importance samples.

    Burda, Grosse & Salakhutdinov 2016 (arXiv 1509.00519), eq. 8, over the draws of all groups.

    Args:
        log_mean_weights: (G, N), log of the mean importance weight per group and image.
    """
    bounds = math.log(len(log_mean_weights)) - np.logaddexp.reduce(log_mean_weights, axis=0)
    return float(np.mean(bounds))

"""Pareto optimality: the points that no other point dominates."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

if TYPE_CHECKING:  # pandas takes half a second, which `study best` can do without
    import pandas as pd


def pareto_optimal(costs: npt.ArrayLike) -> NDArray[np.bool_]:
    """Find the points to which no other is at least equal in every column and better in one.

    Args:
        costs: (N, M), one row per point, lower is better in every column; negate a quantity of
            which more is better. A point with a NaN is not optimal and dominates no other.

    Returns:
        (N,) whether each point is optimal. Points that agree in all columns are all optimal or
        all not.
    """
    points = np.asarray(costs, dtype=float)
    ours, theirs = points[:, None, :], points[None, :, :]  # (N, 1, M), (1, N, M)
    beaten = np.all(theirs <= ours, axis=-1) & np.any(theirs < ours, axis=-1)  # (N, N)
    optimal: NDArray[np.bool_] = ~np.any(beaten, axis=1) & ~np.any(np.isnan(points), axis=1)
    return optimal


def rate_distortion_front(points: "pd.DataFrame") -> "pd.DataFrame":
    """Return the Pareto-optimal rows in rate and distortion, by increasing rate.

    Args:
        points: with columns ``kl`` and ``reconstruction``, both better when lower.
    """
    optimal = pareto_optimal(points[["kl", "reconstruction"]])
    return points[optimal].sort_values(["kl", "reconstruction"], kind="stable")

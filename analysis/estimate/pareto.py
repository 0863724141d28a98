"""Which of several points no other beats: the Pareto-optimal ones."""

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray


def pareto_optimal(costs: npt.ArrayLike) -> NDArray[np.bool_]:
    """The points that no other is at least as good as in every respect and better in one.

    Args:
        costs: (N, M), a row a point, lower is better in each column; what is better when higher
            enters with its sign changed. A point with a NaN is not optimal and beats none.

    Returns:
        (N,) whether the point is optimal. Of points that agree in all columns each is.
    """
    points = np.asarray(costs, dtype=float)
    ours, theirs = points[:, None, :], points[None, :, :]  # (N, 1, M), (1, N, M)
    beaten = np.all(theirs <= ours, axis=-1) & np.any(theirs < ours, axis=-1)  # (N, N)
    optimal: NDArray[np.bool_] = ~np.any(beaten, axis=1) & ~np.any(np.isnan(points), axis=1)
    return optimal

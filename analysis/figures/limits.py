"""How far an axis reaches: all points, and intervals as far as they do not hide the points."""

import numpy as np
import numpy.typing as npt

REACH = 0.6  # of the points' range, on each side


def view(points: npt.ArrayLike, ends: npt.ArrayLike) -> tuple[float, float]:
    """Limits that show all points, and interval ends up to a share of the points' range beyond.

    Two seeds that differ give an interval of a hundred times their distance: one such interval
    would flatten everything else.

    Args:
        points: what must be seen.
        ends: ends of intervals; NaN where there are none.
    """
    low, high = float(np.min(points)), float(np.max(points))
    reach = REACH * (high - low) or np.inf
    lowest, highest = np.nanmin([low, *np.ravel(ends)]), np.nanmax([high, *np.ravel(ends)])
    low, high = max(float(lowest), low - reach), min(float(highest), high + reach)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin

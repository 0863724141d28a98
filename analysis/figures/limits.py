"""Axis limits that show all points, and intervals as far as these do not dwarf the points."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

REACH = 0.6  # share of the points' range, on each side


def view(points: npt.ArrayLike, ends: npt.ArrayLike) -> tuple[float, float]:
    """Return limits that show all points, and interval ends up to a share of their range beyond.

    Two seeds that differ can give an interval of a hundred times their distance: one such interval
    would flatten everything else.

    Args:
        points: values that must be visible.
        ends: ends of intervals; NaN where there are none.
    """
    low, high = float(np.min(points)), float(np.max(points))
    reach = REACH * (high - low) or np.inf
    lowest, highest = np.nanmin([low, *np.ravel(ends)]), np.nanmax([high, *np.ravel(ends)])
    low, high = max(float(lowest), low - reach), min(float(highest), high + reach)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def log_ticks(axes: Axes) -> None:
    """Make the x-axis logarithmic, with plain numbers such as 0.5, 1, 2, 5, 10.

    Set its limits first: the fewer powers of ten they span, the denser the ticks.
    """
    low, high = axes.get_xlim()
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    if high < 2 * low:  # there may be no round number in between
        axes.xaxis.set_major_locator(MaxNLocator(4))
    else:
        subs = (1.0, 2.0, 5.0) if high > 8 * low else (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=subs))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.xaxis.set_minor_locator(NullLocator())

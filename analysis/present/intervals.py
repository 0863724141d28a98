"""Intervals formatted for people."""

from analysis.estimate.intervals import Interval
from analysis.words import NBSP, NOTHING, format_number


def format_interval(interval: Interval, digits: int = 2, *, signed: bool = False) -> str:
    """Format as ``[−112.41, −111.39]``; a dash where there is no interval."""
    if not interval.is_known:
        return NOTHING
    ends = (format_number(end, digits, signed=signed) for end in (interval.low, interval.high))
    return f"[{f',{NBSP}'.join(ends)}]"


def format_estimate(interval: Interval, digits: int = 2, *, signed: bool = False) -> str:
    """Format as ``−111.90 [−112.41, −111.39]``; only the mean where there is no interval."""
    mean = format_number(interval.mean, digits, signed=signed)
    if not interval.is_known:
        return mean
    return f"{mean} {format_interval(interval, digits, signed=signed)}"


def format_p(value: float) -> str:
    """Format as ``0.012``; ``< 0.001`` for less, and a dash for NaN."""
    return "< 0.001" if value < 0.001 else format_number(value, 3)

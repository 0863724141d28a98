"""Verdicts on statements: by where an interval lies, never by its middle alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from analysis.estimate.intervals import Interval, unknown_interval

Verdict = Literal["contradicted", "cannot be decided", "not distinguishable", "supported"]
Side = Literal["above", "below"]


@dataclass(frozen=True, slots=True)
class Decision:
    """A statement with what decides it.

    Attributes:
        statement: as a report would make it.
        statistic: what decides it, and by which rule.
        verdict: what the numbers say of it.
        reasons: the effect in its parts, or why there is no verdict; a sentence each.
        effect: the statistic with its interval; unknown where it cannot be computed.
        unit: of the effect; empty for none.
        digits: of the effect, behind the point, for people.
        signed: whether the effect is a change, shown with its sign.
        runs: that it is computed from.
    """

    statement: str
    statistic: str
    verdict: Verdict
    reasons: tuple[str, ...]
    effect: Interval = field(default_factory=unknown_interval)
    unit: str = ""
    digits: int = 2
    signed: bool = True
    runs: int = 0


def sentences(*texts: str) -> tuple[str, ...]:
    """Those that say something."""
    return tuple(filter(None, texts))


def verdict_on(effect: Interval, side: Side, bound: float = 0.0) -> Verdict:
    """Whether the effect lies on a side of a bound: its whole interval must.

    Args:
        effect: with its interval.
        side: where the statement says that it lies.
        bound: of both sides.
    """
    if not effect.is_known:
        return "cannot be decided"
    if effect.low > bound:
        return "supported" if side == "above" else "contradicted"
    if effect.high < bound:
        return "supported" if side == "below" else "contradicted"
    return "not distinguishable"


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on a statement of several parts, all of which it claims.

    Supported if every part is: the intersection-union test, which needs no correction for their
    number (Berger 1982, Technometrics 24). Contradicted if one part is.
    """
    found = set(verdicts)
    return next(word for word in get_args(Verdict) if word in found)

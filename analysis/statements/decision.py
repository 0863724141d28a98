"""Verdicts on statements, based on whole intervals and never on means alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from analysis.estimate.intervals import Interval, unknown_interval

StatementVerdict = Literal["contradicted", "cannot be decided", "not distinguishable", "supported"]
Side = Literal["above", "below"]


@dataclass(frozen=True, slots=True)
class Decision:
    """A statement, its verdict and the evidence for it.

    Attributes:
        statement: as a report would make it.
        statistic: what decides the verdict, and by which rule.
        verdict: on the statement.
        reasons: a breakdown of the effect, or why there is no verdict; one sentence each.
        effect: the statistic with its interval; unknown if it cannot be computed.
        unit: unit of the effect; empty for none.
        digits: decimals shown for the effect.
        signed: whether the effect is a change, shown with its sign.
        runs: number of runs behind the effect.
    """

    statement: str
    statistic: str
    verdict: StatementVerdict
    reasons: tuple[str, ...]
    effect: Interval = field(default_factory=unknown_interval)
    unit: str = ""
    digits: int = 2
    signed: bool = True
    runs: int = 0


def sentences(*texts: str) -> tuple[str, ...]:
    """Drop empty sentences."""
    return tuple(filter(None, texts))


def statement_verdict(effect: Interval, side: Side, bound: float = 0.0) -> StatementVerdict:
    """Decide on which side of a bound an effect is: its whole interval must be on that side.

    Args:
        effect: with its interval.
        side: the side that the statement claims.
        bound: the value that separates the two sides.
    """
    if not effect.is_known:
        return "cannot be decided"
    if effect.low > bound:
        return "supported" if side == "above" else "contradicted"
    if effect.high < bound:
        return "supported" if side == "below" else "contradicted"
    return "not distinguishable"


def all_of(verdicts: Iterable[StatementVerdict]) -> StatementVerdict:
    """Return the verdict on a statement that claims several things at once.

    Supported if every part is: the intersection-union test, which needs no correction for multiple
    comparisons (Berger 1982, Technometrics 24). Contradicted if any part is.
    """
    found = set(verdicts)
    return next(word for word in get_args(StatementVerdict) if word in found)

"""Verdicts based on the position of an interval."""

import math

import pytest

from analysis.estimate.intervals import Interval
from analysis.statements.decision import Side, StatementVerdict, all_of, statement_verdict

UNDECIDED = "not distinguishable"


@pytest.mark.parametrize(
    ("low", "high", "bound", "above", "below"),
    [
        (0.1, 0.3, 0.0, "supported", "contradicted"),
        (-0.3, -0.1, 0.0, "contradicted", "supported"),
        (-0.1, 0.3, 0.0, UNDECIDED, UNDECIDED),
        (0.0, 0.3, 0.0, UNDECIDED, UNDECIDED),
        (0.1, 0.3, 0.5, "contradicted", "supported"),
        (0.5, 0.5, 0.5, UNDECIDED, UNDECIDED),
        (math.nan, math.nan, 0.0, "cannot be decided", "cannot be decided"),
    ],
)
def test_the_whole_interval_must_be_on_one_side(
    low: float, high: float, bound: float, above: StatementVerdict, below: StatementVerdict
) -> None:
    interval = Interval(0.2, low, high)
    sides: dict[Side, StatementVerdict] = {"above": above, "below": below}
    for side, expected in sides.items():
        assert statement_verdict(interval, side, bound) == expected


@pytest.mark.parametrize(
    ("parts", "together"),
    [
        (["supported", "supported"], "supported"),
        (["supported", UNDECIDED], UNDECIDED),
        (["supported", "cannot be decided", UNDECIDED], "cannot be decided"),
        (["cannot be decided", "contradicted", "supported"], "contradicted"),
    ],
)
def test_a_compound_statement_needs_all_its_parts(
    parts: list[StatementVerdict], together: StatementVerdict
) -> None:
    assert all_of(parts) == together

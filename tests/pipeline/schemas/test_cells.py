"""Readers of cells: the value, or the rule that the cell breaks."""

import math

import pytest

from pipeline.schemas.cells import (
    Reader,
    any_text,
    count,
    count_or_none,
    number,
    number_or_none,
    numbers,
    one_of,
    share,
    text,
    truth,
)

STATE = one_of("complete", "pruned")


@pytest.mark.parametrize(
    ("reader", "cell", "value"),
    [
        (text, "a", "a"),
        (any_text, "", ""),
        (number, "1e-3", 0.001),
        (number_or_none, "-2.5", -2.5),
        (count, "3.0", 3),
        (count_or_none, "7", 7),
        (truth, "False", False),
        (truth, "True", True),
        (numbers, "[1, 2.5]", (1.0, 2.5)),
        (numbers, "[]", ()),
        (share, "1", 1.0),
        (STATE, "pruned", "pruned"),
    ],
)
def test_a_cell_has_a_value(reader: Reader, cell: str, value: object) -> None:
    found = reader(cell)
    assert found == value
    assert type(found) is type(value) or reader is count_or_none


@pytest.mark.parametrize("reader", [number_or_none, count_or_none])
def test_an_empty_cell_is_what_the_run_does_not_have(reader: Reader) -> None:
    assert math.isnan(reader(""))


@pytest.mark.parametrize(
    ("reader", "cell", "rule"),
    [
        (text, "", "must not be empty"),
        (number, "", "must be a number"),
        (number, "x", "must be a number"),
        (number, "nan", "must be finite"),
        (number_or_none, "inf", "must be finite"),
        (count, "1.5", "must be a whole number of at least 0"),
        (count, "-1", "must be a whole number of at least 0"),
        (count, "1e300", "must be a whole number of at least 0"),
        (count_or_none, "x", "must be a number"),
        (truth, "true", "must be True or False"),
        (numbers, "1", "must be a JSON list of numbers"),
        (numbers, "[1", "must be a JSON list of numbers"),
        (numbers, "[" * 5000, "must be a JSON list of numbers"),
        (numbers, f"[{'9' * 5000}]", "must be a JSON list of numbers"),
        (numbers, '["a"]', "must be a number"),
        (numbers, "[NaN]", "must be finite"),
        (share, "1.01", "must be from 0 to 1"),
        (share, "-0.1", "must be from 0 to 1"),
        (STATE, "running", "must be complete or pruned"),
    ],
)
def test_a_fault_names_the_rule(reader: Reader, cell: str, rule: str) -> None:
    with pytest.raises(ValueError, match=f"^{rule}$"):
        reader(cell)

"""Readers of table cells: each returns the cell's value or raises an error with its rule."""

import json
import math
from collections.abc import Callable
from typing import Any

Reader = Callable[[str], Any]

MOST = 2**53  # up to which every whole number is a float, too


def text(cell: str) -> str:
    """Read text that is not empty."""
    if not cell:
        raise ValueError("must not be empty")
    return cell


def number(cell: str) -> float:
    """Read a finite number."""
    try:
        value = float(cell)
    except ValueError:
        raise ValueError("must be a number") from None
    if not math.isfinite(value):
        raise ValueError("must be finite")
    return value


def number_or_none(cell: str) -> float:
    """Read a finite number; an empty cell, for what the run does not have, gives NaN."""
    return number(cell) if cell else math.nan


def count(cell: str) -> int:
    """Read a whole number of at least 0."""
    value = number(cell)
    if not 0 <= value <= MOST or value != int(value):
        raise ValueError("must be a whole number of at least 0")
    return int(value)


def count_or_none(cell: str) -> float:
    """Read a whole number of at least 0; an empty cell gives NaN."""
    return float(count(cell)) if cell else math.nan


def truth(cell: str) -> bool:
    """Read True or False, as Python writes them."""
    if cell not in ("True", "False"):
        raise ValueError("must be True or False")
    return cell == "True"


def numbers(cell: str) -> tuple[float, ...]:
    """Read a JSON list of finite numbers."""
    try:
        values = json.loads(cell)
    except (ValueError, RecursionError):  # of lists in lists in lists
        values = None
    if not isinstance(values, list):
        raise ValueError("must be a JSON list of numbers")
    return tuple(number(str(value)) for value in values)


def share(cell: str) -> float:
    """Read a number from 0 to 1."""
    value = number(cell)
    if not 0 <= value <= 1:
        raise ValueError("must be from 0 to 1")
    return value


def any_text(cell: str) -> str:
    """Read text that may be empty."""
    return cell


def one_of(*words: str) -> Reader:
    """Return a reader that accepts only these words."""

    def read(cell: str) -> str:
        if cell not in words:
            raise ValueError(f"must be {' or '.join(words)}")
        return cell

    return read

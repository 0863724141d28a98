"""What a cell of a table may hold: each reader returns its value, or raises with the rule."""

import json
import math
from collections.abc import Callable
from typing import Any

Reader = Callable[[str], Any]


def text(cell: str) -> str:
    """Any text but none."""
    if not cell:
        raise ValueError("must not be empty")
    return cell


def number(cell: str) -> float:
    """A finite number."""
    try:
        value = float(cell)
    except ValueError:
        raise ValueError("must be a number") from None
    if not math.isfinite(value):
        raise ValueError("must be finite")
    return value


def number_or_none(cell: str) -> float:
    """A finite number, or NaN for an empty cell: what the run does not have."""
    return number(cell) if cell else math.nan


def count(cell: str) -> int:
    """A whole number of at least 0."""
    value = number(cell)
    if value < 0 or value != int(value):
        raise ValueError("must be a whole number of at least 0")
    return int(value)


def count_or_none(cell: str) -> float:
    """A whole number of at least 0, or NaN for an empty cell."""
    return float(count(cell)) if cell else math.nan


def truth(cell: str) -> bool:
    """True or False, as Python writes them."""
    if cell not in ("True", "False"):
        raise ValueError("must be True or False")
    return cell == "True"


def numbers(cell: str) -> tuple[float, ...]:
    """A JSON list of finite numbers."""
    try:
        values = json.loads(cell)
    except ValueError:
        values = None
    if not isinstance(values, list):
        raise ValueError("must be a JSON list of numbers")
    return tuple(number(str(value)) for value in values)


def share(cell: str) -> float:
    """A number from 0 to 1."""
    value = number(cell)
    if not 0 <= value <= 1:
        raise ValueError("must be from 0 to 1")
    return value


def any_text(cell: str) -> str:
    """Any text; empty where there is none."""
    return cell


def one_of(*words: str) -> Reader:
    """One of some words."""

    def read(cell: str) -> str:
        if cell not in words:
            raise ValueError(f"must be {' or '.join(words)}")
        return cell

    return read

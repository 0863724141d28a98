"""CSV files cell by cell: read as text, converted by a reader a column, faults named by line."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.errors import UserError

REMEDY = "make it anew with `dvc repro`"
Reader = Callable[[str], Any]


class ResultsError(UserError):
    """Exported results that cannot be used: names file, place, rule and remedy."""


def read_csv(path: Path, required: Iterable[str]) -> pd.DataFrame:
    """All cells as text, so that each can be checked and quoted as it stands in the file.

    Raises:
        ResultsError: if there is no such file, it is no CSV, or a required column is missing.
    """
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise ResultsError(f"{path}: no such file; {REMEDY}") from None
    except (OSError, ValueError) as error:  # a parser's and a decoder's errors are ValueErrors
        problem = str(error).strip().splitlines()[0]
        raise ResultsError(f"{path}: is not a CSV file ({problem}); {REMEDY}") from None
    missing = [name for name in required if name not in frame]
    if missing:
        raise ResultsError(f"{path}: must have the columns {', '.join(missing)}; {REMEDY}")
    return frame


def convert(frame: pd.DataFrame, readers: Mapping[str, Reader], path: Path) -> pd.DataFrame:
    """The frame with each column read by its reader; columns without one stay text.

    Raises:
        ResultsError: naming file, line, column, value and rule of the first fault.
    """
    converted = frame.copy()
    for column, reader in readers.items():
        values = []
        for row, cell in enumerate(frame[column]):
            try:
                # A short line leaves its last cells without text.
                values.append(reader(cell if isinstance(cell, str) else ""))
            except ValueError as error:
                raise ResultsError(
                    f"{path}: line {line_of(row)}, {column} = {cell!r} {error}; {REMEDY}"
                ) from None
        converted[column] = pd.Series(values, index=frame.index)
    return converted


def line_of(row: Any) -> int:
    """The line of the file: the heading is line 1."""
    return int(row) + 2


# --- readers: a cell's value, or a ValueError that says the rule ----------------------------------


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

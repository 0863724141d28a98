"""CSV files cell by cell: read as text, then converted by the declared readers.

A fault names the file, the line, the column, the value and the rule.
"""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.files import read_at_most
from pipeline.schemas.cells import Reader
from pipeline.schemas.record import RecordError
from pipeline.schemas.tables import Table

MOST_BYTES = 64_000_000  # of a file; the epochs of the largest grid take 30 MB
REMEDY = "write it again with `dvc repro`"


class ResultsError(RecordError):
    """Exported results that cannot be used: names file, place, rule and remedy."""


def read_table(path: Path, table: Table) -> pd.DataFrame:
    """A declared table, each declared column converted; other columns stay text.

    Raises:
        ResultsError: naming file, line, column, value and rule of the first fault.
    """
    return convert(read_csv(path, table.columns), table.columns, path)


def read_csv(path: Path, required: Iterable[str]) -> pd.DataFrame:
    """All cells as text, so that each can be checked and quoted as it is in the file.

    Raises:
        ResultsError: if there is no such file, it is not CSV, or a required column is missing.
    """
    try:
        content = io.BytesIO(read_at_most(path, MOST_BYTES))
        frame = pd.read_csv(content, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise ResultsError(f"{path}: no such file; {REMEDY}") from None
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read: {error.strerror}; {REMEDY}") from None
    except ValueError as error:  # of the parser or the decoder
        problem = str(error).strip().splitlines()[0]
        raise ResultsError(f"{path}: is not a CSV file ({problem}); {REMEDY}") from None
    if not isinstance(frame.index, pd.RangeIndex):  # which the first cells of longer lines become
        raise ResultsError(f"{path}: has lines with more cells than the first line; {REMEDY}")
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

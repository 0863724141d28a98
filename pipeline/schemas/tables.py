"""The columns of all CSV files that one stage writes and another reads.

Stages write them with ``Table.to_csv``; the analysis reads each column with its reader.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.files import read_at_most
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
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.protocol import PROTOCOL_FIELDS
from pipeline.schemas.record import RecordError

Row = dict[str, Any]
MOST_HEADER = 100_000  # characters of a first line, more than any table's

MOST_BYTES = 20_000_000  # of a file; 10,000 trials have 4 MB


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The schema of a CSV file.

    Attributes:
        name: name of the file.
        columns: required columns, and the reader of their cells.
        grows: whether more columns are allowed, such as searched hyperparameters or metrics of a
            user's own.
    """

    name: str
    columns: Mapping[str, Reader]
    grows: bool = False

    def to_csv(self, rows: Iterable[Mapping[str, Any]]) -> str:
        """Return the file's text; lists become JSON, and None an empty cell.

        Args:
            rows: each has at least the table's columns. Further columns of a table that grows are
                empty in rows that lack them.

        Raises:
            ValueError: if a column is missing or unknown, which is an error of the calling code.
        """
        rows = list(rows)
        header = list(dict.fromkeys(name for row in rows for name in row)) or list(self.columns)
        for row in rows:
            missing = [name for name in self.columns if name not in row]
            unknown = [] if self.grows else [name for name in row if name not in self.columns]
            if missing or unknown:
                raise ValueError(f"{self.name}: lacks {missing} and has unknown {unknown}")
        stream = io.StringIO()
        writer = csv.DictWriter(stream, header, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
        return stream.getvalue()

    def may_replace(self, path: Path) -> bool:
        """Return whether a file is missing, empty, or one of this table, to judge by its header."""
        if not path.exists():
            return True
        try:
            with path.open(encoding="utf-8", newline="") as file:
                header = next(csv.reader([file.readline(MOST_HEADER)]), [])
        except (OSError, UnicodeDecodeError, csv.Error):
            return False
        return not header or set(self.columns) <= set(header)

    def read(self, path: Path, remedy: str) -> list[dict[str, str]]:
        """Read the rows as text, so that nothing is rounded on the way.

        Raises:
            RecordError: if the file is missing, too large, not CSV, has no rows or lacks a column.
        """
        try:
            content = read_at_most(path, MOST_BYTES).decode()
            reader = csv.DictReader(io.StringIO(content, newline=""), strict=True)
            header = reader.fieldnames or []
            missing = [name for name in self.columns if name not in header]
            rows = list(islice(reader, 1) if missing else _complete(reader))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
            raise RecordError(f"{path}: cannot be read: {reason}; {remedy}") from None
        except csv.Error as error:
            raise RecordError(f"{path}: is not valid CSV: {error}; {remedy}") from None
        if missing or not rows:
            needed = ", ".join(missing if rows else self.columns)
            raise RecordError(f"{path}: must have rows with {needed}; {remedy}")
        return rows


def _complete(reader: "csv.DictReader[str]") -> Iterator[dict[str, str]]:
    """Yield the rows; at the first of another length than the header's, stop reading."""
    for row in reader:
        if None in row or None in row.values():
            cells = len(reader.fieldnames or ())
            raise csv.Error(f"line {reader.line_num} must have {cells} cells, like the first line")
        yield row


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list) else value


# A run's place in the grid: the first columns of both results tables.
_IDENTITY: dict[str, Reader] = {
    "run": text,
    "architecture": text,
    "latent_dim": count,
    "beta": number,
    "seed": count,
}
IDENTITY = tuple(_IDENTITY)

# The metrics that every run has.
_CERTAIN: dict[str, Reader] = {
    "elbo": number,
    "reconstruction": number,
    "kl": number,
    "active_units": count,
}

RUN_METRICS = Table(
    "metrics.csv",
    _IDENTITY
    | {"parameters": count, "train_seconds": number, "epochs": count}
    | dict.fromkeys(PROTOCOL_FIELDS, any_text)
    | {
        name: count_or_none if metric.is_label else number_or_none
        for name, metric in METRICS.items()
    }
    | _CERTAIN
    | {"collapsed": truth, "kl_per_dim": numbers}
    | {"data_hash": text, "commit": any_text, "run_id": any_text},
    grows=True,
)

# The table in a model folder, with one row per epoch and split.
EPOCHS = Table(
    "history.csv",
    {
        "epoch": count,
        "split": one_of("train", "valid"),
        "elbo": number,
        "reconstruction": number,
        "kl": number,
        "loss": number,
        "seconds": number,
        "learning_rate": number,
    },
)
# The same for all runs of the grid.
GRID_EPOCHS = Table("history.csv", _IDENTITY | dict(EPOCHS.columns))

TRIALS = Table(
    "trials.csv",
    {
        "number": count,
        "state": one_of("complete", "pruned"),
        "value": number_or_none,
        "first_value": number_or_none,
        "elbo": number_or_none,
        "reconstruction": number_or_none,
        "kl": number_or_none,
        "nll": number_or_none,
        "spread": number_or_none,
        "epochs": number_or_none,
        "seconds": number_or_none,
        "same_as": count_or_none,
        "run_id": any_text,
    },
    grows=True,
)

IMPORTANCE = Table(
    "importance.csv",
    {
        "group": text,
        "parameter": text,
        "importance": share,
        "low": share,
        "high": share,
        "trials": count,
    },
)

CONFIRMED = Table(
    "confirmed.csv",
    {
        "search": text,
        "number": count,
        "seed": count,
        "epochs": count,
        "elbo": number,
        "reconstruction": number,
        "kl": number,
        "searched_elbo": number,
    },
)

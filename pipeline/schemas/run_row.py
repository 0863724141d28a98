"""``metrics.json`` in a results folder: the run's row of ``results/metrics.csv``. Free of torch."""

from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, model_validator

from pipeline.schemas.record import Record, read_record, write_record
from pipeline.schemas.tables import RUN_METRICS, Row

METRICS_FILE = "metrics.json"


class RunRow(Record):
    """A row with at least the columns of ``metrics.csv``; further ones are one's own metrics."""

    model_config = ConfigDict(extra="allow")

    what: ClassVar[str] = "a run's metrics"
    remedy: ClassVar[str] = "run `dvc repro evaluate`"

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, row: Any) -> Any:
        known = row if isinstance(row, dict) else {}
        missing = [name for name in RUN_METRICS.columns if name not in known]
        if missing:
            raise ValueError(f"must hold {', '.join(missing[:5])}")
        return row


def write_row(folder: Path, row: Row) -> None:
    """Write a run's row into an existing folder."""
    write_record(folder / METRICS_FILE, RunRow.model_validate(row))


def read_row(folder: Path) -> Row:
    """Read a run's row.

    Raises:
        RecordError: if the file is missing, not valid JSON, or lacks a column of ``metrics.csv``.
    """
    return read_record(RunRow, folder / METRICS_FILE).model_dump()

"""``metrics.json`` in a results folder: the run's row of ``results/metrics.csv``."""

import json
from pathlib import Path

from pipeline.schemas.record import RecordError
from pipeline.schemas.tables import RUN_METRICS, Row

METRICS_FILE = "metrics.json"
REMEDY = "run `dvc repro evaluate`"


def write_row(folder: Path, row: Row) -> None:
    """Write a run's row into an existing folder."""
    text = json.dumps(row, indent=2, allow_nan=False) + "\n"
    (folder / METRICS_FILE).write_text(text, encoding="utf-8")


def read_row(folder: Path) -> Row:
    """Read a run's row.

    Raises:
        RecordError: if the file is missing, not valid JSON, or lacks a column of ``metrics.csv``.
    """
    path = folder / METRICS_FILE
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}; {REMEDY}") from None
    except ValueError:
        raise RecordError(f"{path}: is not valid JSON; {REMEDY}") from None
    missing = [name for name in RUN_METRICS.columns if not isinstance(row, dict) or name not in row]
    if missing:
        raise RecordError(f"{path}: must hold {', '.join(missing[:5])}; {REMEDY}")
    found: Row = row
    return found

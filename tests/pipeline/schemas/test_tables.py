"""Tables are written with the columns that they are read by."""

import csv
import io
import math
from pathlib import Path

import pytest

from pipeline.schemas.cells import any_text, count, number_or_none, numbers
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.protocol import PROTOCOL_FIELDS
from pipeline.schemas.record import RecordError
from pipeline.schemas.tables import EPOCHS, GRID_EPOCHS, IDENTITY, RUN_METRICS, TRIALS, Table

FIXED = Table("a.csv", {"n": count, "x": number_or_none, "list": numbers})
GROWING = Table("b.csv", {"n": count, "name": any_text}, grows=True)


def test_a_list_is_json_and_none_an_empty_cell() -> None:
    text = FIXED.to_csv([{"n": 1, "x": None, "list": [0.5, 2]}, {"n": 2, "x": 0.1, "list": []}])
    assert text == 'n,x,list\n1,,"[0.5, 2]"\n2,0.1,[]\n'


def test_what_is_written_is_read_by_the_declared_readers() -> None:
    rows = [{"n": 1, "x": 1 / 3, "list": [1e-300, -2.5]}, {"n": 0, "x": None, "list": []}]
    found = list(csv.DictReader(io.StringIO(FIXED.to_csv(rows))))
    read = [{name: reader(row[name]) for name, reader in FIXED.columns.items()} for row in found]
    assert read[0] == {"n": 1, "x": 1 / 3, "list": (1e-300, -2.5)}
    assert math.isnan(read[1]["x"])


def test_no_rows_leave_a_header() -> None:
    assert FIXED.to_csv([]) == "n,x,list\n"


def test_the_first_row_decides_the_order() -> None:
    assert GROWING.to_csv([{"more": 3, "name": "a", "n": 1}]) == "more,name,n\n3,a,1\n"


@pytest.mark.parametrize(
    ("table", "rows", "message"),
    [
        (FIXED, [{"n": 1, "x": 2.0}], r"a\.csv: lacks \['list'\]"),
        (
            FIXED,
            [{"n": 1, "x": 2.0, "list": [], "y": 0}],
            r"a\.csv: .* unknown \['y'\]",
        ),
        (GROWING, [{"n": 1}], r"b\.csv: lacks \['name'\]"),
        (GROWING, [{"n": 1, "name": ""}, {"n": 2}], r"lacks \['name'\]"),
    ],
)
def test_a_missing_or_unknown_column_is_refused(
    table: Table, rows: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        table.to_csv(rows)


def test_a_column_that_some_rows_lack_is_empty_there() -> None:
    rows = [{"n": 1, "name": "a"}, {"n": 2, "name": "b", "mine": 0.5}]
    assert GROWING.to_csv(rows) == "n,name,mine\n1,a,\n2,b,0.5\n"


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("n,x,list\n1,0.10000000000000001,[]\n", encoding="utf-8")
    assert FIXED.read(path, "run it") == [{"n": "1", "x": "0.10000000000000001", "list": "[]"}]
    for content, message in (
        ("n,x\n1,2\n", r"a\.csv: must have rows with list; run it"),
        ("n,x,list\n", r"a\.csv: must have rows with n, x, list; run it"),
        (None, r"a\.csv: cannot be read: No such file or directory; run it"),
        ("n,x,list\n1,2,3\n1,2\n", r"not valid CSV: line 3 must have 3 cells, like the first line"),
        ("n,x,list\n1,2,3,4\n", r"not valid CSV: line 2 must have 3 cells"),
        ('n,x,list\n1,2,"3\n', r"not valid CSV: unexpected end of data; run it"),
        (f"n,x,list\n1,2,{'3' * 200_000}\n", r"not valid CSV: field larger than field limit"),
        (" " * 20_000_001, r"cannot be read: it has more than 20,000,000 bytes; run it"),
    ):
        path.write_text(content, encoding="utf-8") if content else path.unlink(missing_ok=True)
        with pytest.raises(RecordError, match=message):
            FIXED.read(path, "run it")


def test_a_run_has_its_place_its_protocol_and_every_metric() -> None:
    columns = list(RUN_METRICS.columns)
    assert columns[:5] == list(IDENTITY)
    assert {*PROTOCOL_FIELDS, *METRICS, "collapsed", "kl_per_dim", "commit"} <= set(columns)
    assert len(set(columns)) == len(columns)
    assert list(GRID_EPOCHS.columns) == [*IDENTITY, *EPOCHS.columns]
    assert RUN_METRICS.grows
    assert TRIALS.grows
    assert not EPOCHS.grows

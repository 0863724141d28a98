"""CSV files cell by cell, and how a fault is reported."""

from pathlib import Path

import pytest

from analysis.read.cells import ResultsError, convert, read_csv, read_table
from pipeline.schemas.cells import count, text
from pipeline.schemas.tables import Table

TABLE = Table("a.csv", {"run": text, "n": count}, grows=True)


def test_cells_keep_their_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("run,n\nNA,007\n")
    frame = read_csv(tmp_path / "a.csv", ["run"])
    assert frame.iloc[0].tolist() == ["NA", "007"]


def test_missing_columns_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("run,n\na,1\n")
    with pytest.raises(ResultsError, match=r"a\.csv: must have the columns elbo, kl;"):
        read_csv(tmp_path / "a.csv", ["run", "elbo", "kl"])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("run,n\na,1,2\n", "has lines with more cells than the first line"),
        ("run,n\na,1\nb,1,2\n", "is not a CSV file"),
        ("", "is not a CSV file"),
        (" " * 64_000_001, "cannot be read: it has more than 64,000,000 bytes"),
    ],
    ids=["more cells", "more cells in one line", "empty", "large"],
)
def test_what_is_not_a_table_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(ResultsError, match=rf"a\.csv: {problem}.*; write it again"):
        read_csv(tmp_path / "a.csv", ["run"])


def test_declared_columns_are_converted_and_others_stay_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("run,n,own\na,2,007\n")
    frame = read_table(tmp_path / "a.csv", TABLE)
    assert frame.iloc[0].tolist() == ["a", 2, "007"]
    (tmp_path / "a.csv").write_text("n,own\n2,007\n")
    with pytest.raises(ResultsError, match="must have the columns run;"):
        read_table(tmp_path / "a.csv", TABLE)


@pytest.mark.parametrize("rows", ["a,1\nb,x\n", "a,1\nb,\n", "a,1\nb\n"])
def test_a_fault_names_its_line(tmp_path: Path, rows: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("run,n\n" + rows)
    with pytest.raises(ResultsError, match=r"a\.csv: line 3, n = '.?' must be"):
        convert(read_csv(path, ["n"]), {"n": count}, path)

"""Readers of cells, and how a fault is told."""

from pathlib import Path

import pytest

from analysis.read.cells import ResultsError, convert, count, number, numbers, read_csv, text, truth


def test_readers() -> None:
    assert text("a") == "a"
    assert number("1e-3") == 0.001
    assert count("3.0") == 3
    assert truth("False") is False
    assert numbers("[1, 2.5]") == (1.0, 2.5)


def test_cells_stay_as_they_stand_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("run,n\nNA,007\n")
    frame = read_csv(tmp_path / "a.csv", ["run"])
    assert frame.iloc[0].tolist() == ["NA", "007"]


def test_missing_columns_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("run,n\na,1\n")
    with pytest.raises(ResultsError, match=r"a\.csv: must have the columns elbo, kl;"):
        read_csv(tmp_path / "a.csv", ["run", "elbo", "kl"])


@pytest.mark.parametrize("rows", ["a,1\nb,x\n", "a,1\nb,\n", "a,1\nb\n"])
def test_a_fault_names_its_line(tmp_path: Path, rows: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("run,n\n" + rows)
    with pytest.raises(ResultsError, match=r"a\.csv: line 3, n = '.?' must be"):
        convert(read_csv(path, ["n"]), {"n": count}, path)

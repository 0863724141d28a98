"""Writers of tables: escaping in each format, and numbers that survive."""

import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.estimate.intervals import summarise
from analysis.present.tables import Cell, Column, Table
from analysis.present.writers import (
    escape_latex,
    escape_markdown,
    to_csv,
    to_latex,
    to_markdown,
)
from tests.analysis.conftest import read_results

MakeResults = Callable[..., Path]
NASTY = r"a|b_c*d$e\f&g%h#i{j}<k>"


def test_csv_preserves_the_numbers(make_results: MakeResults) -> None:
    summary = summarise(read_results(make_results(seeds=[0, 1, 3])).runs, 0.95)
    read = pd.read_csv(io.StringIO(to_csv(summary)))
    pd.testing.assert_frame_equal(read, summary, check_dtype=False, rtol=1e-9)
    assert {"elbo_mean", "elbo_low", "elbo_high", "seeds"} <= set(read.columns)


@pytest.fixture
def nasty() -> Table:
    return Table(
        (Column(NASTY, numeric=False), Column("n")), ((Cell(NASTY), Cell("1", best=True)),)
    )


def test_markdown_keeps_its_columns(nasty: Table) -> None:
    for line in to_markdown(nasty).splitlines():
        assert line.replace(r"\|", "").count("|") == 3
    assert "**1**" in to_markdown(nasty)
    assert escape_markdown("a_b\nc") == r"a\_b c"


def test_latex_is_escaped(nasty: Table) -> None:
    latex = to_latex(nasty)
    assert r"a\textbar{}b\_c*d\$e\textbackslash{}f\&g\%h\#i\{j\}\textless{}k\textgreater{}" in latex
    assert r"\textbf{1}" in latex
    assert escape_latex("−1 [2]") == "$-$1 {[}2{]}"
    assert escape_latex("β = 4") == r"$\beta$ = 4"

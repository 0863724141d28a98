"""The section on statements: text, table, CSV, page."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.estimate.verdicts import Rule
from analysis.findings import find
from analysis.present.writers import to_latex, to_markdown
from analysis.read.arrays import load_borders
from analysis.read.cells import ResultsError
from analysis.sections.statements import leads, section, statements_frame, statements_table
from analysis.statements import Decision, decide_statements
from tests.analysis.conftest import read_results
from tests.analysis.statements.worlds import by_size, world

MakeResults = Callable[..., Path]
NBSP = "\N{NO-BREAK SPACE}"


def decisions() -> list[Decision]:
    return decide_statements(world(values={"elbo": by_size(0.2)}), {}, 0.95)


def test_every_statement_has_a_row() -> None:
    found = decisions()
    table, frame = statements_table(found), statements_frame(found)
    assert [row[0].text for row in table.rows] == [str(number) for number in range(1, 12)]
    assert frame["number"].tolist() == list(range(1, 12))
    assert list(frame) == [
        *("number", "statement", "statistic", "effect_mean", "effect_low", "effect_high"),
        *("unit", "n", "verdict", "reason"),
    ]
    row = frame.iloc[1]
    assert row["verdict"] == "supported"
    assert row["effect_low"] < row["effect_mean"] < row["effect_high"] < 0
    assert (row["unit"], row["n"]) == ("nats per image", 12)


def test_verdicts_are_recognisable_without_colour() -> None:
    cells = [row[3] for row in statements_table(decisions()).rows]
    assert (cells[1].text, cells[1].tone) == ("✓ supported", "yes")
    assert (cells[2].text, cells[2].tone) == ("≈ not distinguishable", "open")
    assert (cells[10].text, cells[10].tone) == ("– cannot be decided", "open")
    opposite = decide_statements(world(values={"elbo": by_size(-0.2)}), {}, 0.95)
    cell = statements_table(opposite).rows[1][3]
    assert (cell.text, cell.tone) == ("✗ contradicted", "no")


def test_the_effect_names_interval_unit_and_runs() -> None:
    cell = statements_table(decisions()).rows[1][2]
    assert cell.text == "−0.20"
    assert cell.detail == f"[−0.21,{NBSP}−0.19]\nnats per image, 12 runs"
    assert statements_table(decisions()).rows[10][2].text == "–"


def test_markdown_and_latex_keep_one_line_per_row() -> None:
    table = statements_table(decisions())
    markdown, latex = to_markdown(table).splitlines(), to_latex(table)
    assert len(markdown) == 13
    assert "| ✓ supported |" in markdown[3]
    assert r"\begin{tabular}{lp{4.5cm}p{4.5cm}lp{4.5cm}}" in latex
    assert r"$\surd$ supported" in latex
    assert latex.count(r" \\") == 12


def test_the_lead_counts() -> None:
    first, second = leads(decisions(), 0.95, "mnist-5k")
    assert "11 such statements" in first
    assert "2 supported" in first
    assert "cannot be decided" in first
    undecided = sum(decision.verdict == "cannot be decided" for decision in decisions())
    assert f"of {11 - undecided} intervals, about {(11 - undecided) * 0.05:.1f} would" in second
    assert f"95{NBSP}% intervals are not corrected" in second
    assert "mnist-5k and these settings" in second


def test_where_nothing_can_be_decided() -> None:
    none = decide_statements(world(seeds=1), {}, 0.95)
    assert {decision.verdict for decision in none} == {"cannot be decided"}
    assert "11 that cannot be decided" in leads(none, 0.95, "x")[0]
    assert len(leads(none, 0.95, "x")) == 1


def test_the_page_shows_them_before_all_metrics(report: dict[str, bytes]) -> None:
    page = report["index.html"].decode()
    assert page.index('id="search"') < page.index('id="statements"') < page.index('id="metrics"')
    assert '<table class="sentences">' in page
    assert '<span class="verdict yes">✓ supported</span>' in page
    frame = pd.read_csv(io.BytesIO(report["tables/statements.csv"]))
    assert len(frame) == 11
    assert frame["verdict"][1] == "supported"
    assert "Statements tested" in report["report.md"].decode()


def test_the_hubs_are_read_from_every_run(make_results: MakeResults) -> None:
    folder = make_results(seeds=[0, 1, 2])
    frame = pd.read_csv(folder / "metrics.csv")
    frame["grid_continuity"] = [
        0.1 + 0.01 * seed if size == 2 else None
        for size, seed in zip(frame["latent_dim"], frame["seed"], strict=True)
    ]
    frame.to_csv(folder / "metrics.csv", index=False)
    for run in frame[frame["latent_dim"] == 2]["run"]:
        write_borders(folder, run, np.array([[8, 3], [1, 2]]))
    found = section(find(read_results(folder), Rule()))
    row = found.parts[0].frame.iloc[10]  # type: ignore[union-attr]
    assert row["verdict"] == "supported"
    assert row["reason"].startswith("Hubs: 8 in 6 runs. Continuity: 0.110 [")


def test_damaged_borders_are_refused(make_results: MakeResults) -> None:
    folder = make_results()
    write_borders(folder, "conv-2/seed-1", np.zeros((3, 3)))
    with pytest.raises(ResultsError, match="two columns of whole numbers"):
        load_borders(folder, read_results(folder).runs)


def write_borders(folder: Path, run: str, borders: np.ndarray) -> None:
    path = folder / "runs" / run / "arrays.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **arrays | {"plane_borders": borders})

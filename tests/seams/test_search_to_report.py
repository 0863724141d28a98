"""From `study export` to the report's section on the search, with the trials of a real search."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner

from analysis.estimate.verdicts import Rule
from analysis.findings import find
from analysis.present.exhibits import TableExhibit
from analysis.present.style import theme
from analysis.present.writers import to_markdown
from analysis.read.cells import ResultsError
from analysis.read.trials import load_trials
from analysis.sections import search
from analysis.words import format_number
from pipeline.schemas.record import RecordError
from pipeline.settings import load_settings
from study.cli import main
from tests.analysis.conftest import read_results, write_results
from tests.study.conftest import (  # noqa: F401 (fixtures)
    SPACE,
    change_search,
    one_process,
    searchable,
)

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("one_process")]


def exported(project: Path) -> Path:
    """Search, confirm a trial, and export into a results folder that has a grid already."""
    change_search(project, pruner="none")
    results = project / "results"
    results.mkdir()
    write_results(results)
    for words in (
        ["run", "--trials", "3", "--workers", "1"],
        ["rerun", "0", "--seeds", "1"],
        ["export", "--out", "results"],
    ):
        outcome = CliRunner().invoke(main, words, catch_exceptions=False)
        assert outcome.exit_code == 0, outcome.output
    return results


def test_what_is_exported_is_what_the_report_shows(
    searchable: Path,  # noqa: F811
) -> None:
    results = exported(searchable)
    with (results / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["number"] for row in rows] == ["0", "1", "2"]

    trials = load_trials(results)
    assert trials is not None
    assert trials.space == tuple(one["name"] for one in SPACE)
    with theme():
        section = search.section(find(read_results(results), Rule(), trials))
    assert trials.search in section.lead[1]
    tables = {
        part.name: to_markdown(part.table)
        for part in section.parts
        if isinstance(part, TableExhibit)
    }
    for row in rows:
        for name in ("elbo", "reconstruction", "kl"):
            assert format_number(float(row[name])) in tables["trials"]
    assert f"{load_settings().search.epochs} epochs" in tables["search-settings"]

    assert trials.confirmed[["number", "epochs"]].to_numpy().tolist() == [[0, 3]]
    assert "search and grid differ in data hash" in section.lead[0], "the grid is another's"

    # A renamed column or key does not go unnoticed.
    renamed = (results / "trials.csv").read_text().replace("reconstruction", "distortion")
    (results / "trials.csv").write_text(renamed)
    with pytest.raises(ResultsError, match="must have the columns reconstruction"):
        load_trials(results)
    card = (results / "best.json").read_text()
    (results / "best.json").write_text(card.replace('"first_comparison"', '"first"'))
    with pytest.raises(RecordError, match="first_comparison"):
        load_trials(results)

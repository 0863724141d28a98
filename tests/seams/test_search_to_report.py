"""From `study export` to the report's chapter on the search, with the trials of a real search."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner

from analysis.read.cells import ResultsError
from analysis.read.trials import load_trials
from analysis.report import write_report
from analysis.words import format_number
from pipeline.schemas.record import RecordError
from pipeline.settings import load_settings
from study.cli import main
from tests.analysis.conftest import write_results
from tests.study.conftest import SPACE, change_search, searchable  # noqa: F401 (a fixture)

pytestmark = pytest.mark.timeout(300)


def exported(project: Path) -> Path:
    """Search, and export into a results folder that has a grid already."""
    change_search(project, pruner="none")
    results = project / "results"
    results.mkdir()
    write_results(results)
    for words in (["run", "--trials", "3", "--workers", "1"], ["export", "--out", "results"]):
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
    settings = load_settings()
    write_report(settings, results, Path("reports"), results / "judge.json")
    text = Path("reports/report.md").read_text(encoding="utf-8")
    assert trials.search in text
    best = max(rows, key=lambda row: float(row["elbo"]))
    table = Path("reports/tables/trials.md").read_text(encoding="utf-8")
    for name in ("elbo", "reconstruction", "kl"):
        assert format_number(float(best[name])) in table
    assert (
        f"{settings.search.epochs} epochs" in Path("reports/tables/search-settings.md").read_text()
    )

    # A writer that renames a column or a key is found out by the reader.
    renamed = (results / "trials.csv").read_text().replace("reconstruction", "distortion")
    (results / "trials.csv").write_text(renamed)
    with pytest.raises(ResultsError, match="must have the columns reconstruction"):
        load_trials(results)
    card = (results / "best.json").read_text()
    (results / "best.json").write_text(card.replace('"first_comparison"', '"first"'))
    with pytest.raises(RecordError, match="first_comparison"):
        load_trials(results)

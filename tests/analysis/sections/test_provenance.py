"""The last section: where everything on the page comes from."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from analysis.estimate.verdicts import Rule
from analysis.findings import Findings, find
from analysis.present.exhibits import ReportSection, TableExhibit, number_parts
from analysis.present.style import theme
from analysis.read.trials import load_trials
from analysis.report import SECTIONS
from analysis.sections import provenance
from analysis.sections.provenance import CONFIRMED, SOURCES, STAGES, runs_frame
from pipeline.schemas.protocol import PROTOCOL_FIELDS
from tests.analysis.conftest import read_results
from tests.analysis.searches import planned_row, write_search
from tests.analysis.sections.given import found_in
from tests.conftest import ROOT

MakeResults = Callable[..., Path]


def others(found: Findings) -> list[ReportSection]:
    with theme():
        built = [module.section(found) for module in SECTIONS]
    return [section for section in built if section is not None]


def tables(section: ReportSection) -> dict[str, TableExhibit]:
    return {part.name: part for part in section.parts if isinstance(part, TableExhibit)}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, results_folder: Path) -> Findings:
    folder = tmp_path_factory.mktemp("search")
    trials = load_trials(write_search(folder, *(planned_row(n, -100.0 - n) for n in range(6))))
    return find(read_results(results_folder), Rule(), trials)


@pytest.fixture(scope="module")
def sections(found: Findings) -> list[ReportSection]:
    return others(found)


def test_every_figure_and_table_is_traced_to_its_sources(
    found: Findings, sections: list[ReportSection]
) -> None:
    frame = tables(provenance.section(found, sections))["files"].frame
    assert frame is not None
    expected = [item.label for _, items in number_parts(sections) for item in items]
    assert frame["exhibit"].tolist() == ["Table 1", *expected]
    rows = frame.set_index("file")
    assert rows.index.is_unique
    curves = rows.loc["figures/training-curves.svg"]
    assert curves["title"] == "Training curves"
    assert curves["made_from"] == "results/history.csv"
    made_from = dict(rows["made_from"])
    assert made_from["figures/samples.png"] == (
        "results/metrics.csv results/runs/*/*/arrays.npz judge/judge.json"
    )
    assert made_from["figures/differences.svg"] == "results/metrics.csv"
    assert made_from["tables/differences.csv"].endswith("results/runs/*/*/arrays.npz")
    again = dict(rows["made_again_by"])
    assert again["tables/rate-distortion-front.csv"] == "dvc repro search"
    assert again["figures/latent-size.svg"] == "dvc repro collect"
    assert again["figures/metrics-by-size.svg"] == "dvc repro collect; dvc repro judge"


def test_every_section_has_its_sources(sections: list[ReportSection]) -> None:
    """An unknown section would claim all files as its sources."""
    assert {section.anchor for section in sections} <= set(SOURCES)


def test_commands_are_the_stages_that_create_the_files() -> None:
    described = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    for file, command in STAGES.items():
        if file == CONFIRMED:
            continue
        stage = described["stages"][command.removeprefix("dvc repro ")]
        outs = [next(iter(out)) if isinstance(out, dict) else out for out in stage["outs"]]
        assert any(file == out or file.startswith(f"{out}/") for out in outs), file
    assert set().union(*SOURCES.values()) == set(STAGES)


def test_missing_files_are_not_listed(make_results: MakeResults) -> None:
    folder = make_results()
    (folder / "data.json").unlink()
    (folder / "provenance.json").unlink()
    found = found_in(folder)
    frame = tables(provenance.section(found, others(found)))["files"].frame
    assert frame is not None
    named = set(" ".join(frame["made_from"]).split())
    assert named == {
        *("results/metrics.csv", "results/history.csv", "results/runs/*/*/arrays.npz"),
        "judge/judge.json",
    }


def test_runs_have_all_their_identifiers(found: Findings) -> None:
    exhibit = tables(provenance.section(found, []))["runs"]
    assert exhibit.folded
    assert exhibit.frame is not None
    assert len(exhibit.table.rows) == len(exhibit.frame) == 8
    row = exhibit.frame.iloc[3]
    assert row["run"] == "linear-10/seed-1"
    assert (row["seed"], row["epochs"], row["train_seconds"]) == (1, 6, 11.0)
    assert (row["commit"], row["day"]) == ("c0ffee0123456789", "2026-03-01")
    assert (row["device"], row["threads"], row["weights"]) == ("cpu", 1, "beef" * 16)
    assert row["arrays"] == "results/runs/linear-10/seed-1"
    assert row["data_hash"] == "fedcba9876543210"
    texts = [(cell.text, cell.detail) for cell in exhibit.table.rows[3]]
    assert texts[0] == ("linear-10/seed-1", "results/runs/linear-10/seed-1")
    assert ("11.0", "cpu, 1 thread") in texts
    assert ("c0ffee0123", "2026-03-01") in texts
    assert texts[-1] == ("–", ""), "no tracker recorded it"


def test_uncommitted_changes_are_shown_with_the_commit(make_results: MakeResults) -> None:
    folder = make_results()
    path = folder / "metrics.csv"
    pd.read_csv(path).assign(commit="c0ffee0123456789+changes").to_csv(path, index=False)
    exhibit = tables(provenance.section(found_in(folder), []))["runs"]
    assert exhibit.table.rows[0][4].text == "c0ffee0123+changes"


def test_versions_of_training_judge_and_report(make_results: MakeResults) -> None:
    folder = make_results()
    path = folder / "provenance.json"
    content = json.loads(path.read_text())
    content["runs"]["conv-2/seed-0"]["versions"] = {"torch": "2.8.0", "python": "3.12.1"}
    path.write_text(json.dumps(content))
    exhibit = tables(provenance.section(found_in(folder), []))["versions"]
    assert [column.label for column in exhibit.table.columns] == [
        "Library", "Training", "Judge", "This report"
    ]  # fmt: skip
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in exhibit.table.rows}
    assert rows["torch"] == ["2.8.0 / 2.9.1", "2.9.1", "–"]
    assert rows["python"][0] == "3.12.1"
    assert rows["matplotlib"][:2] == ["–", "–"]
    assert rows["matplotlib"][2]
    assert "several versions of torch" in exhibit.caption


def test_the_protocol_and_the_lack_of_time_stamps_are_explained(found: Findings) -> None:
    text = " ".join(provenance.section(found, []).lead)
    for name in PROTOCOL_FIELDS:
        assert f"`{name}`" in text
    assert "there is no report" in text
    assert "committed on 2026-03-01" in text
    assert "no time stamps" in text


def test_missing_provenance_is_noted_with_a_remedy(make_results: MakeResults) -> None:
    folder = make_results()
    path = folder / "provenance.json"
    content = json.loads(path.read_text())
    del content["runs"]["conv-2/seed-0"]
    path.write_text(json.dumps(content | {"dates": {}}))
    section = provenance.section(found_in(folder), [])
    assert "does not cover conv-2/seed-0" in section.notes[0]
    path.unlink()
    found = found_in(folder)
    section = provenance.section(found, [])
    assert "run `dvc repro collect`" in section.notes[0]
    assert section.lead[-1].startswith("The results contain no time stamps")
    frame = runs_frame(found.results)
    assert set(frame["device"]) == {""}
    assert "nan" not in str([cell.text for cell in tables(section)["runs"].table.rows[0]])

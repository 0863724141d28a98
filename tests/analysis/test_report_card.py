"""When a report is kept, when it is made again, and which files go."""

import re
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner

import analysis.report
from analysis.__main__ import main
from analysis.report_card import REPORT_CARD, TEMPLATES
from pipeline.errors import UserError
from tests.analysis.conftest import write_results
from tests.conftest import ROOT

UP_TO_DATE = "the report is up to date\n"


class Project:
    """Results, settings and a report whose content is a number that rises with each report."""

    def __init__(self, folder: Path) -> None:
        self.results, self.out = folder / "results", folder / "reports"
        self.params = folder / "params.yaml"
        self.params.write_text((ROOT / "params.yaml").read_text())
        self.results.mkdir()
        write_results(self.results, architectures=["conv"], latent_dims=[2], seeds=[0], epochs=1)
        self.figures = ["a.svg", "a.png"]
        self.numbers: Iterator[int] = count(1)

    def make(self, *_: object, **__: object) -> dict[str, bytes]:
        content = str(next(self.numbers)).encode()
        names = [*(f"figures/{name}" for name in self.figures), "index.html"]
        return dict.fromkeys(names, content)

    def report(self, code: int = 0) -> str:
        """Call the command and return what it prints."""
        options = {
            "--params": self.params,
            "--results": self.results,
            "--judge": self.results / "judge.json",
            "--out": self.out,
        }
        words = [str(word) for pair in options.items() for word in pair]
        outcome = CliRunner().invoke(main, words, catch_exceptions=False)
        assert outcome.exit_code == code, outcome.output
        return outcome.output

    def files(self) -> dict[str, str]:
        """The content of the report's files, without its card."""
        return {
            path.relative_to(self.out).as_posix(): path.read_text()
            for path in self.out.rglob("*")
            if path.is_file() and path.name != REPORT_CARD
        }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    found = Project(tmp_path)
    monkeypatch.setattr(analysis.report, "make_report", found.make)
    monkeypatch.setattr("analysis.report_card.source_hash", lambda *folders: "code")
    return found


FIRST = {"figures/a.svg": "1", "figures/a.png": "1", "index.html": "1"}
SECOND = dict.fromkeys(FIRST, "2")


def test_a_report_is_kept_while_nothing_changes(project: Project) -> None:
    assert project.report() == f"Report: {project.out / 'index.html'}\n"
    written = {path: path.stat().st_mtime_ns for path in project.out.rglob("*")}
    assert project.report() == UP_TO_DATE
    assert {path: path.stat().st_mtime_ns for path in project.out.rglob("*")} == written
    assert project.files() == FIRST


@pytest.mark.parametrize(
    "name",
    ["metrics.csv", "history.csv", "data.json", "judge.json", "runs/conv-2/seed-0/arrays.npz"],
)
def test_changed_results_make_the_report_again(project: Project, name: str) -> None:
    project.report()
    path = project.results / name
    if name.endswith(".npz"):
        path.unlink()
    else:
        path.write_text(path.read_text() + "\n")
    assert project.report() != UP_TO_DATE
    assert project.files() == SECOND
    assert project.report() == UP_TO_DATE


def test_an_added_search_makes_the_report_again(project: Project) -> None:
    project.report()
    (project.results / "trials.csv").write_text("")  # not read without a card
    assert project.report() != UP_TO_DATE


def test_a_changed_confidence_makes_the_report_again_and_other_settings_do_not(
    project: Project,
) -> None:
    project.report()
    text = project.params.read_text()
    project.params.write_text(text.replace("trials: 20 ", "trials: 21 "))
    assert project.report() == UP_TO_DATE
    project.params.write_text(re.sub(r"confidence: \S+", "confidence: 0.8", text))
    assert project.report() != UP_TO_DATE
    assert project.files() == SECOND


def test_other_code_makes_the_report_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.report()
    monkeypatch.setattr("analysis.report_card.source_hash", lambda *folders: "edited")
    assert project.report() != UP_TO_DATE


def test_what_systems_and_editors_leave_does_not(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates = shutil.copytree(TEMPLATES, tmp_path / "templates")
    monkeypatch.setattr("analysis.report_card.TEMPLATES", templates)
    project.report()
    for folder in (templates, project.results, project.results / "runs" / "conv-2" / "seed-0"):
        for name in (".DS_Store", "._report.css", ".report.css.swp", "arrays.npz~", "report.css~"):
            (folder / name).write_bytes(b"\0")
        (folder / ".#report.css").symlink_to("somebody@somewhere.123:456")
    assert project.report() == UP_TO_DATE
    (templates / "report.css").write_text("")
    assert project.report() != UP_TO_DATE


@pytest.mark.parametrize("damage", ["edited", "removed", "card"])
def test_a_damaged_report_is_made_again(project: Project, damage: str) -> None:
    project.report()
    if damage == "removed":
        (project.out / "figures/a.svg").unlink()
    else:
        name = "figures/a.svg" if damage == "edited" else REPORT_CARD
        (project.out / name).write_text("damaged")
    assert project.report() != UP_TO_DATE
    assert project.files() == SECOND


def test_only_unchanged_files_of_the_last_report_are_removed(project: Project) -> None:
    project.figures += ["old.svg", "edited.svg"]
    project.report()
    (project.out / "figures/edited.svg").write_text("by hand")
    (project.out / "notes.txt").write_text("of the user")
    (project.out / "figures/own.svg").write_text("of the user")
    project.figures = ["a.svg"]
    project.report()
    assert project.files() == {
        "figures/a.svg": "2",
        "index.html": "2",
        "figures/edited.svg": "by hand",
        "figures/own.svg": "of the user",
        "notes.txt": "of the user",
    }


def test_files_in_a_folder_without_a_report_are_not_replaced(project: Project) -> None:
    project.out.mkdir()
    (project.out / "index.html").write_text("of the user")
    assert "index.html: already exists and is not part of a report" in project.report(code=2)
    assert project.files() == {"index.html": "of the user"}


@pytest.mark.parametrize("written", [0, 1, 3])
def test_an_interrupted_report_is_made_again(
    project: Project, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    project.figures.append("old.svg")
    project.report()
    left = count(written, -1)

    def write_bytes(path: Path, content: bytes) -> None:
        if not next(left):
            raise UserError(f"{path}: cannot be written")
        path.write_bytes(content)

    confidence = project.params.read_text()
    with monkeypatch.context() as patch:
        patch.setattr(analysis.report, "write_bytes", write_bytes)
        project.params.write_text(re.sub(r"confidence: \S+", "confidence: 0.8", confidence))
        project.figures = ["a.svg", "a.png", "new.svg"]
        assert "cannot be written" in project.report(code=2)
    # Neither the settings of the last report nor those of the interrupted one have a report.
    project.figures = ["a.svg", "a.png"]
    project.params.write_text(confidence)
    assert project.report() != UP_TO_DATE
    assert project.files() == dict.fromkeys(FIRST, "3"), "of the interrupted one nothing is left"


def test_a_folder_that_cannot_be_written_is_reported_in_one_line(project: Project) -> None:
    project.out.write_text("a file")
    output = project.report(code=2)
    assert output.startswith(f"Error: {project.out}")
    assert "cannot be written" in output
    assert output.count("\n") == 1
    assert project.out.read_text() == "a file"

"""The documentation names every command, target, metric and folder, and its links resolve."""

import re
from pathlib import Path

import pytest

from pipeline.schemas.metrics import METRICS
from study.cli import main
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKING = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md"]
TEXT = "\n".join(page.read_text("utf-8") for page in LINKING)

TARGETS = re.findall(
    r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE
)


def links_in(page: Path) -> list[str]:
    """Targets of the relative links and images of a page, without anchors."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    return [target.split("#")[0] for target in targets if "://" not in target]


def code_folders() -> list[Path]:
    """All folders of the three packages that hold files of their own."""
    return sorted(
        {
            path.parent
            for package in ("pipeline", "study", "analysis")
            for path in (ROOT / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
    )


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"study {command}\b", TEXT)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^\$ study (\w+)", TEXT, re.MULTILINE))))
def test_every_documented_command_exists(command: str) -> None:
    assert command in main.commands


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_is_documented(target: str) -> None:
    assert re.search(rf"make {target}\b(?!-)", TEXT)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"[`$] ?make ([a-z-]+)", TEXT))))
def test_every_documented_make_target_exists(target: str) -> None:
    assert target in TARGETS


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_resolve(page: Path) -> None:
    broken = [target for target in links_in(page) if not (page.parent / target).exists()]
    assert broken == []


def test_every_metric_is_defined() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    assert [name for name in METRICS if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    "folder", code_folders(), ids=lambda folder: folder.relative_to(ROOT).as_posix()
)
def test_every_folder_of_code_is_in_the_layout(folder: Path) -> None:
    text = (ROOT / "docs" / "layout.md").read_text("utf-8")
    assert re.search(rf"^ *{folder.name}/ ", text, flags=re.MULTILINE)

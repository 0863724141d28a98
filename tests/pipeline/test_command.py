"""Every command runs the code of the checkout that it is in, and refuses in one line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import analysis.__main__
import study.cli
import study.stage
from pipeline.stages import collect, evaluate, judge, prepare, train
from study.workers.assignment import worker_command
from tests.conftest import ROOT

COMMANDS: list[click.Command] = [
    study.cli.main,
    study.stage.main,
    analysis.__main__.main,
    *(stage.main for stage in (prepare, judge, train, evaluate, collect)),
]


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: another checkout of this project."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: click.Command, *words: str) -> Result:
    return CliRunner().invoke(command, words)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_runs_in_another_checkout(command: click.Command, other: Path) -> None:
    result = run(command, *(["list"] if isinstance(command, click.Group) else []))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {other} is a checkout of vae-study, but the code ")
    assert f" in {ROOT}; run `make install`" in result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in other.iterdir()] == ["pyproject.toml"]


def test_a_folder_inside_another_checkout_belongs_to_it(
    other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (other / "docs").mkdir()
    monkeypatch.chdir(other / "docs")
    assert f"Error: {other} is a checkout" in run(study.cli.main, "where").stderr


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["run", "--help"]])
def test_help_is_given_anywhere(other: Path, words: list[str]) -> None:
    assert run(study.cli.main, *words).exit_code == 0


@pytest.mark.parametrize(
    "content",
    [
        "[project]\nname = 'mine'",
        "[project]\nname = 3",
        "project = 'vae-study'",
        "no [TOML",
        "\xff",
    ],
)
def test_a_users_own_project_is_no_checkout(
    other: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even inside a checkout."""
    (other / "mine").mkdir()
    (other / "mine" / "pyproject.toml").write_bytes(content.encode("latin-1"))
    monkeypatch.chdir(other / "mine")
    assert run(study.cli.main, "where").exit_code == 0


def test_our_own_checkout_may_be_reached_by_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(ROOT)
    monkeypatch.chdir(tmp_path / "link" / "docs")
    assert run(study.cli.main, "where").exit_code == 0


def test_a_folder_that_was_deleted_is_named_as_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    result = run(study.cli.main, "where")
    assert (result.exit_code, result.stderr) == (
        2,
        "Error: the current folder was deleted; change to one that exists\n",
    )


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("words", [["--nothing"], ["--nothing=\n\x1b[31m"], ["one", "\ntwo"]])
def test_a_wrong_command_line_is_refused_in_one_line(
    command: click.Command, words: list[str]
) -> None:
    result = run(command, *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert "--help`)\n" in result.stderr
    assert result.stderr[:-1].isprintable()


def test_so_is_one_of_a_command_below() -> None:
    result = run(study.cli.main, "run", "--trials", "two\nlines")
    assert result.stderr.startswith(r"Error: Invalid value for '--trials': 'two\nlines' is not")
    assert result.stderr[:-1].isprintable()


@pytest.mark.parametrize("path", ["x" * 300, "x/" * 3000, "params.yaml/x"])
@pytest.mark.parametrize("command", COMMANDS[1:])
def test_a_path_that_cannot_be_used_is_refused_in_one_line(
    command: click.Command, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    paths = [one.opts[0] for one in command.params if isinstance(one.default, str | Path)]
    for option in set(paths) & {"--params", "--data", "--judge", "--models", "--results"}:
        result = run(command, option, path)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output


@pytest.mark.parametrize("folder", ["study", "pipeline", "click"])
def test_a_worker_runs_the_code_of_whoever_starts_it(tmp_path: Path, folder: str) -> None:
    """A folder of the user's, or another installation, may have one of its packages' names."""
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for place in (here, elsewhere) if folder != "click" else (here,):
        (place / folder).mkdir(parents=True)
        (place / folder / "__init__.py").write_text("raise SystemExit('not ours')")
    *program, _ = worker_command("x", Path("data"), 1)[:4]
    done = subprocess.run(
        [*program, "worker", "--help"],
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(elsewhere)},
        capture_output=True,
        text=True,
    )
    assert program[0] == sys.executable
    assert done.stdout.startswith("Usage: study worker"), done.stderr


@pytest.mark.parametrize(
    "words", [["run", "--bogus"], ["delete", "../x"], ["bogus"], ["list"], ["doctor"]], ids=" ".join
)
def test_a_deleted_current_folder_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    result = run(study.cli.main, *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1

"""Messages are one line, and the commands in them work as they are shown."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import UserError, command_to_type, first_names


@pytest.fixture
def inactive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with an environment in it that is not activated."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    return tmp_path


def test_commands_of_an_active_environment_are_shown_by_their_names(
    inactive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    assert UserError("run `dvc repro train`").format_message() == "run `dvc repro train`"


def test_commands_carry_their_folder_otherwise(inactive: Path) -> None:
    assert UserError("use `study run -S a=b` or `mlflow ui`").format_message() == (
        "use `.venv/bin/study run -S a=b` or `.venv/bin/mlflow ui`"
    )
    assert UserError("run `params.yaml`; dvc repro").message.endswith("dvc repro")


def test_a_stage_that_is_run_by_a_shown_command_finds_its_python(
    inactive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = inactive / "it's here; $HOME" / "bin"
    folder.mkdir(parents=True)
    for name, content in {"dvc": "exec python", "python": "echo of the environment"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{content}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setattr(sys, "prefix", str(folder.parent))
    for current in (inactive, inactive.parent):  # inside and outside of the current folder
        monkeypatch.chdir(current)
        for command in ("dvc repro train", "dvc exp run"):
            typed = ["sh", "-c", command_to_type(command)]
            assert subprocess.check_output(typed, text=True) == "of the environment\n"
        shown = shlex.split(command_to_type("dvc metrics show"))
        assert Path(shown[0]).absolute() == folder / "dvc"
        assert shown[1:] == ["metrics", "show"]


def test_scripts_without_an_environment_are_found_by_their_names(
    inactive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pip install --user` puts them into another folder than the interpreter's."""
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    assert command_to_type("study list") == "study list"


def test_a_message_is_one_line_whatever_it_repeats() -> None:
    shown = UserError("it's \n\r\x1b[31m\udcff\x85 é").format_message()
    assert shown == r"it's \n\r\x1b[31m\udcff\x85 é"


@pytest.mark.parametrize(
    ("count", "shown"), [(0, ""), (1, "0"), (3, "0, 1, 2"), (5, "0, 1, 2 and 2 more")]
)
def test_only_the_first_names_are_shown(count: int, shown: str) -> None:
    assert first_names([str(number) for number in range(count)], 3) == shown

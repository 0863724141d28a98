"""The `study` command: quick to answer, and helpful."""

import importlib
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from study import stage
from study.cli import main
from tests.conftest import ROOT

COMMANDS = sorted(main.commands)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_an_example_and_is_in_the_readme(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert f"Example: study {command}" in result.output
    assert f"study {command}" in (ROOT / "README.md").read_text(encoding="utf-8")


def commands_below(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from commands_below(one, f"{path} {name}")


def every_command() -> dict[str, click.Command]:
    """The commands of `study` and those that dvc.yaml calls, by how to call them."""
    stages = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"].values()
    modules = [words[2] for words in (stage["cmd"].split() for stage in stages)]
    roots = {"study": main} | {
        name: importlib.import_module(f"{name}.__main__" if name == "analysis" else name).main
        for name in modules
    }
    return dict(pair for name, root in roots.items() for pair in commands_below(root, name))


def test_every_command_and_option_has_help() -> None:
    without = []
    for path, command in every_command().items():
        without += [] if command.help else [path]
        options = [one for one in command.params if isinstance(one, click.Option)]
        without += [f"{path} {one.opts[-1]}" for one in options if not one.help]
    assert without == []


def test_help_wraps_at_words_within_80_columns() -> None:
    for path, command in every_command().items():
        text = CliRunner().invoke(command, ["--help"], terminal_width=80).output
        assert max(map(len, text.splitlines())) <= 80, path
        words = set(" ".join(text.split()).split())
        assert set((command.help or "").replace("\b", "").split()) <= words, path


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {}])
def test_escape_sequences_are_for_terminals_that_want_them(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """In a terminal with and without NO_COLOR; `where` prints bold labels."""
    screen, terminal = pty.openpty()
    code = "from study.cli import main; main(['where'])"
    subprocess.run(
        [sys.executable, "-c", code],
        stdout=terminal,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "60"} | environment,
        check=True,
    )
    os.close(terminal)
    shown = os.read(screen, 100_000).decode()
    os.close(screen)
    assert "metrics" in shown
    assert ("\x1b" in shown) == (not environment)


@pytest.mark.parametrize("command", [*COMMANDS, "stage"])
def test_every_store_can_come_from_the_environment(command: str) -> None:
    """A password on a command line could be read by every user of the machine."""
    options = {one.name: one for one in {**main.commands, "stage": stage.main}[command].params}
    if "storage" in options:
        assert options["storage"].envvar == "VAE_STORAGE"
        assert "VAE_STORAGE" in CliRunner().invoke(main, ["status", "--help"]).output
    else:
        assert command in ("report", "check", "where", "clean", "vary", "compare")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from study.cli import main; main(['--help'], standalone_mode=False);"
        "print(sorted({'torch', 'mlflow', 'optuna', 'pandas', 'pydantic'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert result.stdout.splitlines()[-1] == "[]", result.stderr


def test_check_reports_invalid_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(text)
    assert CliRunner().invoke(main, ["check"]).output == ""
    (tmp_path / "params.yaml").write_text(
        text.replace("latent_dims: [2, 5, 10, 20]", "latent_dims: 5")
    )
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 2
    assert result.stderr == "Error: params.yaml: train.grid.latent_dims = 5 must be a list\n"


def test_a_report_without_results_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["report"])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: results/metrics.csv")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "reports").exists()


def test_no_line_of_the_list_of_commands_is_truncated() -> None:
    assert "..." not in CliRunner().invoke(main, ["--help"]).output.partition("Commands:")[2]

"""The `study` command: quick to answer, and helpful."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

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


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_help(command: str) -> None:
    options = [one for one in main.commands[command].params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []


@pytest.mark.parametrize("command", [*COMMANDS, "stage"])
def test_every_store_can_come_from_the_environment(command: str) -> None:
    """A password on a command line could be read by every user of the machine."""
    options = {one.name: one for one in {**main.commands, "stage": stage.main}[command].params}
    if "storage" in options:
        assert options["storage"].envvar == "VAE_STORAGE"
        assert "VAE_STORAGE" in CliRunner().invoke(main, ["status", "--help"]).output
    else:
        assert command in ("report", "check", "where", "compare")


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

"""The command: its help, its report, its errors."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from analysis.__main__ import main

MakeResults = Callable[..., Path]
PARAMS = Path(__file__).parents[2] / "params.yaml"


def call(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def of(folder: Path) -> tuple[object, ...]:
    return ("--results", folder, "--judge", folder / "judge.json")


def test_help_has_an_example() -> None:
    code, output = call("--help")
    assert code == 0
    assert "Example: python -m analysis" in output


@pytest.mark.usefixtures("unrendered")
def test_it_writes_a_report_with_the_confidence_of_the_settings(
    make_results: MakeResults, tmp_path: Path
) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(re.sub(r"confidence: \S+", "confidence: 0.8", PARAMS.read_text()))
    folder, out = make_results(latent_dims=[2]), tmp_path / "deep" / "reports"
    code, output = call("--params", params, "--out", out, *of(folder))
    assert (code, output) == (0, f"Report: {out / 'index.html'}\n")
    assert (out / "index.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "80\N{NO-BREAK SPACE}% interval" in (out / "report.md").read_text(encoding="utf-8")
    assert not list(out.rglob(".*"))  # no temporary file stays
    code, output = call("--params", params, "--out", out, *of(folder))
    assert (code, output) == (0, "the report is up to date\n")


def test_without_the_judges_card_there_is_no_report(
    make_results: MakeResults, tmp_path: Path
) -> None:
    folder, out = make_results(latent_dims=[2]), tmp_path / "reports"
    (folder / "judge.json").unlink()
    code, output = call("--params", PARAMS, "--out", out, *of(folder))
    assert code == 2
    assert output == (
        f"Error: {folder / 'judge.json'}: cannot be read: No such file or directory; train the "
        "judge again with `dvc repro judge`\n"
    )
    assert not out.exists()


@pytest.mark.parametrize("content", [None, "run\n"])
def test_a_refusal_is_one_line_and_writes_nothing(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "metrics.csv").write_text(content)
    out = tmp_path / "reports"
    code, output = call("--params", PARAMS, "--results", tmp_path, "--out", out)
    assert code == 2
    assert output.startswith(f"Error: {tmp_path / 'metrics.csv'}: ")
    assert "`dvc repro`" in output
    assert output.count("\n") == 1
    assert not out.exists()

"""Lines for a narrow terminal."""

import click
import pytest

from study.commands import lines

COMMAND = "study export --name mnist-5k-elbo-1a2b3c4d"
WHAT = "writes trials.csv, best.json and importance.csv into results/"


@pytest.mark.parametrize("width", [60, 80])
def test_a_command_stays_whole_and_what_it_does_wraps_at_words(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines.sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    lines.print_rows({"tables": f"{COMMAND}    {WHAT}", "records": "none"})
    first, *others = click.unstyle(capsys.readouterr().out).splitlines()
    assert first == f"tables   {COMMAND}"
    assert others.pop() == "records  none"
    assert all(len(line) <= width and line.startswith(" " * 9) for line in others)
    assert " ".join(" ".join(others).split()) == WHAT


def test_a_log_has_one_line_per_row(capsys: pytest.CaptureFixture[str]) -> None:
    lines.print_rows({"tables": f"{COMMAND}    {WHAT}"})
    assert capsys.readouterr().out == f"tables  {COMMAND}    {WHAT}\n"

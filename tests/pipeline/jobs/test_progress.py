"""How far a job is, for a log and for a terminal."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from pipeline.jobs.console import new_console, print_line, shows_bars
from pipeline.jobs.progress import bar_columns, runs_progress
from pipeline.jobs.training_job import describe
from pipeline.training.loop import EpochReport, Terms

REPORT = EpochReport(
    epoch=3,
    train=Terms(-120, 100, 20, 120),
    valid=Terms(-110.5, 92, 18.5, 110.5),
    seconds=12.34,
    learning_rate=0.1,
)


def test_a_finished_run_is_described_in_one_line() -> None:
    assert " ".join(describe(REPORT).split()) == (
        "3 epochs 12.3 s validation ELBO -110.50 = -(reconstruction 92.00 + kl 18.50)"
    )


def test_a_log_gets_one_line_per_run() -> None:
    output = io.StringIO()
    with runs_progress(2, 3, Console(file=output, width=60)) as progress:
        progress.started("conv-10/seed-0")
        progress.step("conv-10/seed-0", 3, "validation ELBO -110.50")
        progress.started("conv-10/seed-1")
        assert output.getvalue() == ""
        progress.finished("conv-10/seed-0", describe(REPORT))
        progress.failed("conv-10/seed-1")
    lines = output.getvalue().splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "1/2 conv-10/seed-0 3 epochs 12.3 s "
        "validation ELBO -110.50 = -(reconstruction 92.00 + kl 18.50)",
        "2/2 conv-10/seed-1 failed",
    ]


def test_a_terminal_shows_bars_and_keeps_the_lines() -> None:
    output = io.StringIO()
    with runs_progress(2, 3, Console(file=output, force_terminal=True, width=150)) as progress:
        progress.started("conv-10/seed-0")
        progress.step("conv-10/seed-0", 1, "validation ELBO -123.45")
        progress.started("conv-10/seed-1")
        progress.finished("conv-10/seed-0", describe(REPORT))
        progress.failed("conv-10/seed-1")
    text = output.getvalue()
    assert "2 of 2 runs" in text
    assert "6/6" in text
    assert "validation ELBO  -110.50" in text
    assert "conv-10/seed-1" in text


def test_a_terminal_shows_which_runs_without_steps_are_under_way() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=150)
    with runs_progress(2, console=console) as progress:
        progress.started("conv-10/seed-1")
        progress.started("conv-10/seed-0")
        progress.finished("conv-10/seed-1", "test ELBO -110.50")
    text = output.getvalue()
    assert "1/2" in text
    assert "test ELBO -110.50" in text
    assert "conv-10/seed-0" in text


@pytest.mark.parametrize("width", [50, 60, 80, 120])
def test_a_bar_keeps_counts_and_time_and_shortens_names(width: int) -> None:
    output = io.StringIO()
    console = Console(file=output, width=width, force_terminal=True, color_system=None)
    progress = Progress(*bar_columns(width), console=console)
    name, note = "conv-10/beta-0.5/lr-0.001/seed-0" * 2, "validation ELBO -110.50"
    progress.add_task(name, total=1000, completed=500, note=note)
    console.print(progress.get_renderable())
    (line,) = output.getvalue().splitlines()
    assert len(line.rstrip()) <= width
    assert "500/1000" in line
    assert line.rstrip().endswith("-:--:--")
    assert line.startswith("conv-")
    assert "…" in line


def test_a_line_continues_at_words_and_below_its_text_at_a_terminal_only() -> None:
    words = (
        "   1/2  conv-10/seed-0 validation ELBO [bold] -110.50 = -(reconstruction 92.00 + kl 18)"
    )
    outputs = {}
    for terminal in (True, False):
        output = io.StringIO()
        console = Console(file=output, width=40, force_terminal=terminal, color_system=None)
        print_line(console, words, 8)
        outputs[terminal] = output.getvalue()
    assert outputs[False] == f"{words}\n"
    first, *others = outputs[True].splitlines()
    assert others
    assert all(len(line) <= 40 for line in (first, *others))
    assert all(line.startswith(" " * 8) for line in others)
    assert " ".join(outputs[True].split()) == " ".join(words.split())


def test_whoever_wants_no_escape_sequences_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    console = new_console()
    assert not shows_bars(console)
    with console.capture() as captured:
        console.print("[bold red]text[/]")
    assert captured.get() == "text\n"

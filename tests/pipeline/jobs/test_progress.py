"""How far a job is, for a log and for a terminal."""

import io

from rich.console import Console

from pipeline.jobs.progress import runs_progress
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

"""How far training is, for a log and for a terminal."""

import io

from rich.console import Console

from pipeline.jobs.progress import runs_progress, training_progress
from pipeline.training.loop import EpochReport, Terms

REPORT = EpochReport(
    epoch=3,
    train=Terms(-120, 100, 20, 120),
    valid=Terms(-110.5, 92, 18.5, 110.5),
    seconds=12.34,
    learning_rate=0.1,
)


def test_a_log_gets_one_line_a_run() -> None:
    output = io.StringIO()
    with training_progress(2, 3, Console(file=output, width=60)) as progress:
        progress.epoch("conv-10/seed-0", REPORT)
        assert output.getvalue() == ""
        progress.finished("conv-10/seed-0", REPORT)
        progress.failed("conv-10/seed-1")
    lines = output.getvalue().splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "1/2 conv-10/seed-0 3 epochs 12.3 s "
        "valid ELBO -110.50 = -(reconstruction 92.00 + kl 18.50)",
        "2/2 conv-10/seed-1 failed",
    ]


def test_a_terminal_shows_bars_and_keeps_the_lines() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=150)
    with training_progress(2, 3, console) as progress:
        progress.epoch("conv-10/seed-0", REPORT)
        progress.finished("conv-10/seed-0", REPORT)
        progress.failed("conv-10/seed-1")
    text = output.getvalue()
    assert "2 of 2 runs" in text
    assert "valid ELBO  -110.50" in text
    assert "conv-10/seed-1" in text


def test_runs_without_steps_have_a_line_each_too() -> None:
    output = io.StringIO()
    with runs_progress(2, Console(file=output, width=60)) as progress:
        progress.started("conv-10/seed-0")
        progress.started("conv-10/seed-1")
        assert output.getvalue() == ""
        progress.finished("conv-10/seed-0", "test ELBO -110.50")
        progress.failed("conv-10/seed-1")
    lines = [" ".join(line.split()) for line in output.getvalue().splitlines()]
    assert lines == ["1/2 conv-10/seed-0 test ELBO -110.50", "2/2 conv-10/seed-1 failed"]


def test_a_terminal_says_which_runs_are_under_way() -> None:
    output = io.StringIO()
    with runs_progress(2, Console(file=output, force_terminal=True, width=150)) as progress:
        progress.started("conv-10/seed-1")
        progress.started("conv-10/seed-0")
        progress.finished("conv-10/seed-1", "test ELBO -110.50")
    text = output.getvalue()
    assert "1/2" in text
    assert "test ELBO -110.50" in text
    assert "conv-10/seed-0" in text

"""How far a stage is: bars for a person at a terminal, plain lines for a log."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pipeline.training.loop import EpochReport


class TrainingProgress(Protocol):
    """Told what happens to the runs."""

    def epoch(self, run: str, report: EpochReport) -> None:
        """A run finished an epoch."""

    def finished(self, run: str, report: EpochReport) -> None:
        """A run ended with this as its last epoch."""

    def failed(self, run: str) -> None:
        """A run ended without a result."""


class _Lines:
    """One line a finished run."""

    def __init__(self, console: Console, runs: int) -> None:
        self._console = console
        self._runs = runs
        self._done = 0

    def epoch(self, run: str, report: EpochReport) -> None:
        """Say nothing: a log has no use for every epoch."""

    def finished(self, run: str, report: EpochReport) -> None:
        """Say what the run came to."""
        self._done += 1
        self._print(describe(run, report))

    def failed(self, run: str) -> None:
        """Say that there is no result."""
        self._done += 1
        self._print(f"{run:<20} failed")

    def _print(self, line: str) -> None:
        self._console.print(f"{self._done:4d}/{self._runs}  {line}", soft_wrap=True)


class _Bars:
    """A bar over all runs, and one for each that trains now."""

    def __init__(self, progress: Progress, runs: int, epochs: int) -> None:
        self._progress = progress
        self._epochs = epochs
        self._all = progress.add_task("all runs", total=runs * epochs, note="")
        self._bars: dict[str, TaskID] = {}
        self._runs, self._done = runs, 0
        self._note()

    def _note(self) -> None:
        self._progress.update(self._all, note=f"{self._done} of {self._runs} runs")

    def epoch(self, run: str, report: EpochReport) -> None:
        """Move the run's bar."""
        if run not in self._bars:
            self._bars[run] = self._progress.add_task(run, total=self._epochs, note="")
        self._progress.update(
            self._bars[run], completed=report.epoch, note=f"valid ELBO {report.valid.elbo:.2f}"
        )
        self._progress.advance(self._all)

    def finished(self, run: str, report: EpochReport) -> None:
        """Turn the run's bar into a line above the others."""
        self._close(run, self._epochs - report.epoch)
        self._progress.console.print(describe(run, report), highlight=False)

    def failed(self, run: str) -> None:
        """Turn the run's bar into a line above the others."""
        self._close(run, 0)
        self._progress.console.print(f"{run:<20} failed", style="red", highlight=False)

    def _close(self, run: str, epochs_saved: int) -> None:
        self._done += 1
        self._note()
        self._progress.advance(self._all, epochs_saved)
        if run in self._bars:
            self._progress.remove_task(self._bars.pop(run))


def bar_columns() -> tuple[ProgressColumn, ...]:
    """What stands in a bar's row; its task has the field ``note``."""
    return (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )


def describe(run: str, report: EpochReport) -> str:
    """One line on a finished run."""
    return (
        f"{run:<20} {report.epoch:3d} epochs {report.seconds:6.1f} s   valid ELBO "
        f"{report.valid.elbo:8.2f} = -(reconstruction {report.valid.reconstruction:.2f} + kl "
        f"{report.valid.kl:.2f})"
    )


@contextmanager
def training_progress(
    runs: int, epochs: int, console: Console | None = None
) -> Iterator[TrainingProgress]:
    """A display of ``runs`` runs of at most ``epochs`` epochs each, fit for the output."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        yield _Lines(console, runs)
        return
    with Progress(*bar_columns(), console=console) as progress:
        yield _Bars(progress, runs, epochs)


class RunsProgress:
    """A line a finished run; at a terminal a bar over all runs below them."""

    def __init__(self, console: Console, runs: int, bar: Progress | None = None) -> None:
        self._console, self._runs, self._done = console, runs, 0
        self._bar = bar
        self._under_way: list[str] = []
        self._task = bar.add_task("all runs", total=runs, note="") if bar else None

    def started(self, run: str) -> None:
        """A run is under way."""
        self._under_way.append(run)
        self._update()

    def finished(self, run: str, line: str) -> None:
        """A run ended, and this is what it came to."""
        self._end(run, f"{run:<20} {line}")

    def failed(self, run: str) -> None:
        """A run ended without a result."""
        self._end(run, f"{run:<20} failed")

    def _end(self, run: str, line: str) -> None:
        self._under_way.remove(run)
        self._done += 1
        self._console.print(
            f"{self._done:4d}/{self._runs}  {line}", soft_wrap=True, highlight=False
        )
        self._update()

    def _update(self) -> None:
        if self._bar and self._task is not None:
            self._bar.update(
                self._task, completed=self._done, note=", ".join(sorted(self._under_way))
            )


@contextmanager
def runs_progress(runs: int, console: Console | None = None) -> Iterator[RunsProgress]:
    """A display of ``runs`` runs that have no steps to tell of, fit for the output."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        yield RunsProgress(console, runs)
        return
    with Progress(*bar_columns(), console=console) as bar:
        yield RunsProgress(console, runs, bar)

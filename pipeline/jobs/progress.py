"""Progress of a job: bars on a terminal, plain lines in a log."""

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


class RunsProgress(Protocol):
    """Shows what happens to the runs."""

    def started(self, run: str) -> None:
        """A run started."""

    def step(self, run: str, done: int, note: str) -> None:
        """A run has completed ``done`` of its steps."""

    def finished(self, run: str, line: str) -> None:
        """A run finished, with a line that describes its result."""

    def failed(self, run: str) -> None:
        """A run failed."""


class _Lines:
    """One line per finished run."""

    def __init__(self, console: Console, runs: int) -> None:
        self._console = console
        self._runs = runs
        self._done = 0

    def started(self, run: str) -> None:
        """Print nothing: a log lists results only."""

    def step(self, run: str, done: int, note: str) -> None:
        """Print nothing: a log does not need every step."""

    def finished(self, run: str, line: str) -> None:
        self._print(f"{run:<20} {line}")

    def failed(self, run: str) -> None:
        self._print(f"{run:<20} failed")

    def _print(self, line: str) -> None:
        self._done += 1
        text = f"{self._done:4d}/{self._runs}  {line}"
        self._console.print(text, soft_wrap=True, highlight=False)


class _Bars:
    """A bar for all runs, one for each running one that has steps, and a line per finished run."""

    def __init__(self, progress: Progress, runs: int, steps: int) -> None:
        self._progress = progress
        self._runs, self._steps = runs, steps
        self._lines = _Lines(progress.console, runs)
        self._all = progress.add_task("all runs", total=runs * steps, note="")
        self._bars: dict[str, TaskID] = {}
        self._under_way: dict[str, int] = {}  # steps done, by run
        self._ended = 0

    def started(self, run: str) -> None:
        self._under_way[run] = 0
        if self._steps > 1:
            self._bars[run] = self._progress.add_task(run, total=self._steps, note="")
        self._update()

    def step(self, run: str, done: int, note: str) -> None:
        self._under_way[run] = done
        if run in self._bars:
            self._progress.update(self._bars[run], completed=done, note=note)
        self._update()

    def finished(self, run: str, line: str) -> None:
        self._lines.finished(run, line)
        self._end(run)

    def failed(self, run: str) -> None:
        self._lines.failed(run)
        self._end(run)

    def _end(self, run: str) -> None:
        del self._under_way[run]
        self._ended += 1
        if run in self._bars:
            self._progress.remove_task(self._bars.pop(run))
        self._update()

    def _update(self) -> None:
        # A run that stopped early counts as if it had done all of its steps.
        done = self._ended * self._steps + sum(self._under_way.values())
        names = ", ".join(sorted(self._under_way))
        note = f"{self._ended} of {self._runs} runs" if self._steps > 1 else names
        self._progress.update(self._all, completed=done, note=note)


def bar_columns() -> tuple[ProgressColumn, ...]:
    """Return the columns of a bar whose task has the field ``note``."""
    return (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )


@contextmanager
def runs_progress(
    runs: int, steps: int = 1, console: Console | None = None
) -> Iterator[RunsProgress]:
    """Show the progress of several runs in a form that suits the output.

    Args:
        runs: number of runs.
        steps: maximum number of steps per run.
        console: the console to print to; by default that of the process.
    """
    console = console or Console(highlight=False)
    if not console.is_terminal:
        yield _Lines(console, runs)
        return
    with Progress(*bar_columns(), console=console) as progress:
        yield _Bars(progress, runs, steps)

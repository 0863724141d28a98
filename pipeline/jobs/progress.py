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
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from pipeline.jobs.console import new_console, print_line, shows_bars

SHORTEST_BAR, LONGEST_BAR = 5, 40  # characters
BESIDE_BAR = 62  # characters of a usual line without its bar
ROOM_FOR_BOTH_TIMES = 72  # characters; a narrower terminal shows the remaining time alone


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
        start = f"{self._done:4d}/{self._runs}  "
        print_line(self._console, start + line, len(start))


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


class _Yielding(TextColumn):
    """Text that is shortened where a line is too narrow, so that counts and times stay whole."""

    def __init__(self, text_format: str) -> None:
        super().__init__(text_format, table_column=Column())

    def render(self, task: Task) -> Text:
        """Return the text, to be shortened where needed."""
        text = super().render(task)
        text.no_wrap, text.overflow = True, "ellipsis"
        return text


def bar_columns(width: int) -> tuple[ProgressColumn, ...]:
    """Return the columns of a bar whose task has the field ``note``.

    Where there is too little space, the bar gets shorter, then names and notes do.

    Args:
        width: of the terminal, in characters.
    """
    whole = [Column(no_wrap=True) for _ in range(4)]
    columns = (
        _Yielding("{task.description}"),
        BarColumn(max(SHORTEST_BAR, min(LONGEST_BAR, width - BESIDE_BAR)), table_column=whole[0]),
        MofNCompleteColumn(table_column=whole[1]),
        _Yielding("{task.fields[note]}"),
    )
    if width < ROOM_FOR_BOTH_TIMES:
        return (*columns, TimeRemainingColumn(table_column=whole[2]))
    elapsed = TimeElapsedColumn(table_column=whole[3])
    return (*columns, elapsed, TimeRemainingColumn(table_column=whole[2]))


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
    console = console or new_console()
    if not shows_bars(console):
        yield _Lines(console, runs)
        return
    with Progress(*bar_columns(console.width), console=console) as progress:
        yield _Bars(progress, runs, steps)

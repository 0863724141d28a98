"""Progress of a search: a bar at a terminal, plain lines in a log."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from optuna.trial import TrialState
from rich.console import Console, Group
from rich.live import Live
from rich.progress import Progress
from rich.text import Text

from pipeline.jobs.console import new_console, print_line, shows_bars
from pipeline.jobs.progress import bar_columns
from study.outcome.describe import describe, describe_best
from study.outcome.ranking import ranked
from study.search.plan import Plan
from study.search.schedule import Trial

INDENT = 11  # of the rest of a line about a trial, as wide as the trial's number


class SearchProgress(Protocol):
    """A display that is given the search from time to time."""

    def show(self, trials: list[Trial]) -> None:
        """Show the search's trials as they are now."""

    def say(self, line: str) -> None:
        """Show a message."""


class _Lines:
    """One line per trial that ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: set[int] | None = None

    def show(self, trials: list[Trial]) -> None:
        ended = [trial for trial in trials if trial.is_ended]
        if self._shown is None:  # what ended before this run was shown then
            self._shown = {trial.number for trial in ended}
        for trial in ended:
            if trial.number not in self._shown:
                self._shown.add(trial.number)
                self.say(describe(trial))

    def say(self, line: str) -> None:
        print_line(self._console, line, INDENT)


class _Bar:
    """A bar with counts and remaining time, ended trials above it, the best so far below it."""

    def __init__(self, progress: Progress, best: Text, target: int, plan: Plan) -> None:
        self._progress = progress
        self._plan = plan
        self._target = target
        self._bar = progress.add_task("trials", total=target, note="")
        self._best = best
        self._lines = _Lines(progress.console)

    def show(self, trials: list[Trial]) -> None:
        self._lines.show(trials)
        pruned = sum(trial.attempt.state == TrialState.PRUNED for trial in trials)
        failed = sum(trial.has_failed for trial in trials)
        running = sum(trial.is_running for trial in trials)
        finished = sum(trial.is_finished for trial in trials)
        self._progress.update(
            self._bar,
            completed=min(finished, self._target),
            note=f"{pruned} pruned, {failed} failed, {running} running",
        )
        best = ranked(trials, self._plan)
        if best:
            self._best.plain = describe_best(best, self._plan)

    def say(self, line: str) -> None:
        self._lines.say(line)


@contextmanager
def search_progress(
    target: int, plan: Plan, console: Console | None = None
) -> Iterator[SearchProgress]:
    """Display a search of ``target`` finished trials in a way that suits the output."""
    console = console or new_console()
    if not shows_bars(console):
        yield _Lines(console)
        return
    progress = Progress(*bar_columns(console.width), console=console)
    best = Text("best    none yet", overflow="ellipsis", no_wrap=True)
    with Live(Group(progress, best), console=console):
        yield _Bar(progress, best, target, plan)

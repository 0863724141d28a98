"""Progress of a search: a bar at a terminal, plain lines in a log."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from optuna.trial import FrozenTrial, TrialState
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import Progress
from rich.text import Text

from pipeline.jobs.progress import bar_columns
from study.outcome.ranking import ranked
from study.search.plan import Plan
from study.search.schedule import REASON, Trial


class SearchProgress(Protocol):
    """A display that is given the search from time to time."""

    def show(self, trials: list[Trial]) -> None:
        """Show the search's trials as they are now."""

    def say(self, line: str) -> None:
        """Show a message."""


def describe(trial: Trial) -> str:
    """Return one line about an ended trial."""
    attempt = trial.attempt
    match attempt.state:
        case TrialState.COMPLETE:
            state, outcome = "complete", " / ".join(f"{value:.2f}" for value in attempt.values)
        case TrialState.PRUNED:
            reason = str(attempt.user_attrs.get(REASON, ""))
            state, outcome = "pruned", reason.removeprefix("pruned ")
        case _:
            state, outcome = "failed", trial.reason
    return f"trial {trial.number:<4d} {state:<9} {outcome:<33} {format_briefly(attempt)}"


# Names that are too long for one line of a terminal.
SHORT = {"architecture": "", "latent_dim": "dim", "learning_rate": "lr", "batch_size": "batch"}


def format_briefly(attempt: FrozenTrial) -> str:
    """``conv dim=10 beta=0.52 ...``: as ``format_params``, but at most 110 characters."""
    names = ((SHORT.get(name, name), value) for name, value in attempt.params.items())
    return " ".join(f"{name}={_format(value)}".removeprefix("=") for name, value in names)


def format_params(attempt: FrozenTrial) -> str:
    """``architecture=conv latent_dim=10 ...``."""
    return " ".join(f"{name}={_format(value)}" for name, value in attempt.params.items())


def _format(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


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
        self._console.print(escape(line), soft_wrap=True, highlight=False)


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
        best = ranked((trial.attempt for trial in trials), self._plan)
        if best:
            self._best.plain = describe_best(best, self._plan)

    def say(self, line: str) -> None:
        self._lines.say(line)


def describe_best(best: list[FrozenTrial], plan: Plan) -> str:
    """Return one line about the best so far, or the size of the front of two objectives."""
    if len(plan.directions) > 1:
        return f"best    {len(best)} trials on the Pareto front of reconstruction and kl"
    return f"best    {plan.search.objective} {best[0].values[0]:.2f}   {format_briefly(best[0])}"


@contextmanager
def search_progress(
    target: int, plan: Plan, console: Console | None = None
) -> Iterator[SearchProgress]:
    """Display a search of ``target`` finished trials in a way that suits the output."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        yield _Lines(console)
        return
    progress = Progress(*bar_columns(), console=console)
    best = Text("best    none yet", overflow="ellipsis", no_wrap=True)
    with Live(Group(progress, best), console=console):
        yield _Bar(progress, best, target, plan)

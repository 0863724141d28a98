"""How far a search is: a bar for a person at a terminal, plain lines for a log."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.progress import Progress

from pipeline.progress import bar_columns
from study.storage import FINISHED


class SearchProgress(Protocol):
    """Shown the trials from time to time."""

    def show(self, trials: list[FrozenTrial]) -> None:
        """All trials of the search as they are now."""


def describe(trial: FrozenTrial) -> str:
    """One line on a trial that ended."""
    state = trial.state.name.lower()
    if trial.state == TrialState.FAIL:
        outcome = trial.user_attrs.get("reason", "its process died; its parameters are queued")
    else:
        values = trial.values if trial.state == TrialState.COMPLETE else [_last(trial)]
        outcome = " / ".join(f"{value:.2f}" for value in values)
    return f"trial {trial.number:<4d} {state:<9} {outcome:<12} {settings_of(trial)}"


def settings_of(trial: FrozenTrial) -> str:
    """``architecture=conv latent_dim=10 ...``."""
    return " ".join(
        f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in trial.params.items()
    )


def _last(trial: FrozenTrial) -> float:
    steps = trial.intermediate_values
    return steps[max(steps)] if steps else float("nan")


class _Lines:
    """One line a trial that ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._known: set[int] | None = None

    def show(self, trials: list[FrozenTrial]) -> None:
        ended = [trial for trial in trials if trial.state.is_finished()]
        if self._known is None:  # what ended before this run has been told
            self._known = {trial.number for trial in ended}
        for trial in ended:
            if trial.number not in self._known:
                self._known.add(trial.number)
                self._console.print(describe(trial), soft_wrap=True, highlight=False)


class _Bar:
    """A bar with counts and the best so far; trials that end become lines above it."""

    def __init__(self, progress: Progress, target: int) -> None:
        self._progress = progress
        self._task = progress.add_task("search", total=target, note="")
        self._lines = _Lines(progress.console)

    def show(self, trials: list[FrozenTrial]) -> None:
        self._lines.show(trials)
        states = [trial.state for trial in trials]
        finished = sum(state in FINISHED for state in states)
        note = f"{states.count(TrialState.PRUNED)} pruned, {states.count(TrialState.FAIL)} failed"
        self._progress.update(self._task, completed=finished, note=note)


@contextmanager
def search_progress(target: int, console: Console | None = None) -> Iterator[SearchProgress]:
    """A display of a search of ``target`` finished trials, fit for the output."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Progress(*bar_columns(), console=console) as progress:
        yield _Bar(progress, target)

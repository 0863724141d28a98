"""How far a search is: a bar for a person at a terminal, plain lines for a log."""

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
from study.search.plan import Plan
from study.search.ranking import ranked
from study.search.schedule import REASON, Turn


class SearchProgress(Protocol):
    """Shown the search from time to time."""

    def show(self, turns: list[Turn]) -> None:
        """All turns of the search as they are now."""

    def say(self, line: str) -> None:
        """Something that the person should know."""


def describe(turn: Turn) -> str:
    """One line on a turn that ended."""
    trial = turn.trial
    match trial.state:
        case TrialState.COMPLETE:
            state, outcome = "complete", " / ".join(f"{value:.2f}" for value in trial.values)
        case TrialState.PRUNED:
            state, outcome = "pruned", str(trial.user_attrs.get(REASON, "")).removeprefix("pruned ")
        case _:
            state, outcome = "failed", turn.reason
    return f"trial {turn.number:<4d} {state:<9} {outcome:<33} {briefly(trial)}"


# Names that a line of a terminal has no room for.
SHORT = {"architecture": "", "latent_dim": "dim", "learning_rate": "lr", "batch_size": "batch"}


def briefly(trial: FrozenTrial) -> str:
    """``conv dim=10 beta=0.52 ...``: what ``settings_of`` says, in a line of 110 characters."""
    names = ((SHORT.get(name, name), value) for name, value in trial.params.items())
    return " ".join(f"{name}={_shown(value)}".removeprefix("=") for name, value in names)


def settings_of(trial: FrozenTrial) -> str:
    """``architecture=conv latent_dim=10 ...``."""
    return " ".join(f"{name}={_shown(value)}" for name, value in trial.params.items())


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


class _Lines:
    """One line a turn that ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._known: set[int] | None = None

    def show(self, turns: list[Turn]) -> None:
        ended = [turn for turn in turns if turn.is_ended]
        if self._known is None:  # what ended before this run has been told
            self._known = {turn.number for turn in ended}
        for turn in ended:
            if turn.number not in self._known:
                self._known.add(turn.number)
                self.say(describe(turn))

    def say(self, line: str) -> None:
        self._console.print(escape(line), soft_wrap=True, highlight=False)


class _Bar:
    """A bar with counts and time left, the best so far below it; turns that end stand above."""

    def __init__(self, progress: Progress, best: Text, target: int, plan: Plan) -> None:
        self._progress = progress
        self._plan = plan
        self._target = target
        self._bar = progress.add_task("trials", total=target, note="")
        self._best = best
        self._lines = _Lines(progress.console)

    def show(self, turns: list[Turn]) -> None:
        self._lines.show(turns)
        pruned = sum(turn.trial.state == TrialState.PRUNED for turn in turns)
        failed = sum(turn.is_refused for turn in turns)
        running = sum(turn.is_running for turn in turns)
        finished = sum(turn.is_finished for turn in turns)
        self._progress.update(
            self._bar,
            completed=min(finished, self._target),
            note=f"{pruned} pruned, {failed} failed, {running} running",
        )
        best = ranked([turn.trial for turn in turns], self._plan)
        if best:
            self._best.plain = describe_best(best, self._plan)

    def say(self, line: str) -> None:
        self._lines.say(line)


def describe_best(best: list[FrozenTrial], plan: Plan) -> str:
    """The best so far on one line, or the size of the front of two objectives."""
    if len(plan.directions) > 1:
        return f"best    {len(best)} trials on the front of reconstruction and kl"
    return f"best    {plan.search.objective} {best[0].values[0]:.2f}   {briefly(best[0])}"


@contextmanager
def search_progress(
    target: int, plan: Plan, console: Console | None = None
) -> Iterator[SearchProgress]:
    """A display of a search of ``target`` finished trials, fit for the output."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        yield _Lines(console)
        return
    progress = Progress(*bar_columns(), console=console)
    best = Text("best    none yet", overflow="ellipsis", no_wrap=True)
    with Live(Group(progress, best), console=console):
        yield _Bar(progress, best, target, plan)

"""The order of a search: its turns, the trials that tried each, and which comes next.

A *turn* is a place in the search's order, and a trial is a try at it: a turn whose process was
killed is tried again, by another trial with the same parameters. What a turn tries depends on the
results of the turns that came at least ``ahead`` places before it, and on nothing else. So the
search comes out the same over any number of workers, and however often it was interrupted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from optuna.trial import FrozenTrial, TrialState

from pipeline.settings.space import Value

# Attributes of a trial.
TURN, OWNER, RUN_ID, RESULT = "turn", "owner", "run_id", "result"
FAULT = "fault"  # what is wrong with a trial that failed by itself
REASON = "reason"  # why another one ended early
TRACEBACK = "traceback"

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
MOST_DEATHS = 5  # of processes in one turn, seen by their supervisor, before it is given up


@dataclass(frozen=True, slots=True)
class Turn:
    """One place in the search's order.

    Attributes:
        number: of the turn, from 0; what people call the trial's number.
        tries: its trials in the order of the store.
        deaths: how many of its processes died while their supervisor lived.
    """

    number: int
    tries: tuple[FrozenTrial, ...]
    deaths: int = 0

    @property
    def trial(self) -> FrozenTrial:
        """The try that counts: the finished one, else the one under way, else the latest."""
        for states in (FINISHED, (TrialState.RUNNING,), (TrialState.WAITING,)):
            for one in self.tries:
                if one.state in states:
                    return one
        return self.tries[-1]

    @property
    def is_finished(self) -> bool:
        """Whether it has a result: complete, or pruned on the way."""
        return self.trial.state in FINISHED

    @property
    def is_refused(self) -> bool:
        """Whether it failed by itself, or killed its process too often; no further try."""
        return not self.is_finished and (bool(self._faults) or self.deaths >= MOST_DEATHS)

    @property
    def is_ended(self) -> bool:
        """Whether nothing about it will change."""
        return self.is_finished or self.is_refused

    @property
    def is_running(self) -> bool:
        """Whether a process is at it."""
        return not self.is_ended and self.trial.state == TrialState.RUNNING

    @property
    def is_waiting(self) -> bool:
        """Whether a try is in the store that no process took yet."""
        return not self.is_ended and self.trial.state == TrialState.WAITING

    @property
    def params(self) -> dict[str, Value]:
        """What it tries; the same in each of its tries."""
        return dict(self.tries[0].params)

    @property
    def reason(self) -> str:
        """Why it has no result; empty while it may get one."""
        if not self.is_refused:
            return ""
        faults = self._faults
        return (
            faults[-1] if faults else f"its process died {self.deaths} times, perhaps out of memory"
        )

    @property
    def _faults(self) -> list[str]:
        return [
            str(one.user_attrs[FAULT])
            for one in self.tries
            if one.state == TrialState.FAIL and FAULT in one.user_attrs
        ]


def turns_of(trials: Sequence[FrozenTrial], attributes: Mapping[str, Any]) -> list[Turn]:
    """The turns of a search, in order.

    Args:
        trials: all of the search, in the order of the store.
        attributes: of the search; they count the deaths of a turn's processes.
    """
    tries: dict[int, list[FrozenTrial]] = {}
    for trial in trials:
        if TURN in trial.user_attrs:
            tries.setdefault(int(trial.user_attrs[TURN]), []).append(trial)
    return [
        Turn(number, tuple(tries[number]), int(attributes.get(deaths_key(number), 0)))
        for number in sorted(tries)
    ]


def deaths_key(number: int) -> str:
    """The attribute of the search that counts the deaths of a turn's processes."""
    return f"deaths:{number}"


def first_finished(turns: Sequence[Turn], count: int) -> list[Turn]:
    """The first ``count`` finished turns; what a search of so many trials came to."""
    return [turn for turn in turns if turn.is_finished][:count]


def next_turn(
    turns: Sequence[Turn], target: int, ahead: int, most: int | None = None
) -> int | Literal["wait", "done"]:
    """What a free worker does: the number of a turn to try, old or new, or wait, or stop.

    Args:
        turns: of the search so far.
        target: finished trials that it is to have.
        ahead: how many turns may be under way at once.
        most: turns that there can be at all, as the points of a grid.
    """
    needed = [turn for turn in turns if not turn.is_refused][:target]
    for turn in needed:
        if not turn.is_ended and not turn.is_running:
            return turn.number
    full = len(needed) >= target or (most is not None and len(turns) >= most)
    if full:
        return "done" if all(turn.is_ended for turn in needed) else "wait"
    return len(turns) if all(turn.is_ended for turn in known(turns, len(turns), ahead)) else "wait"


def known(turns: Sequence[Turn], number: int, ahead: int) -> Sequence[Turn]:
    """The turns whose results decide what turn ``number`` tries."""
    return turns[: max(0, number - ahead + 1)]

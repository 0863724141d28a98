"""The order of a search: its trials, the attempts at each, and which trial comes next.

A *trial* is a place in the search's order. An *attempt* is one process's try at it, stored as a
trial of Optuna's: when the process is killed, another attempt repeats the trial with the same
parameters. What a trial tries depends on the results of the trials at least ``ahead`` places
before it and on nothing else. So the search yields the same trials with any number of workers, and
however often it is interrupted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from optuna.trial import FrozenTrial, TrialState

from pipeline.settings.space import Value

# Attributes of an attempt.
TRIAL, OWNER, RUN_ID, RESULT = "trial", "owner", "run_id", "result"
FAULT = "fault"  # what is wrong with a trial that failed by itself
REASON = "reason"  # why an attempt ended early for another cause
TRACEBACK = "traceback"

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
MOST_DEATHS = 5  # of a trial's processes, seen by their supervisor, before it is abandoned


@dataclass(frozen=True, slots=True)
class Trial:
    """One place in the search's order.

    Attributes:
        number: the trial's number, from 0; shown everywhere.
        attempts: the attempts at it, in the order of the store.
        deaths: how many of its processes died while their supervisor lived.
    """

    number: int
    attempts: tuple[FrozenTrial, ...]
    deaths: int = 0

    @property
    def attempt(self) -> FrozenTrial:
        """The attempt that counts: the finished one, else the running one, else the latest."""
        for states in (FINISHED, (TrialState.RUNNING,), (TrialState.WAITING,)):
            for attempt in self.attempts:
                if attempt.state in states:
                    return attempt
        return self.attempts[-1]

    @property
    def is_finished(self) -> bool:
        """Whether it has a result: complete, or pruned on the way."""
        return self.attempt.state in FINISHED

    @property
    def has_failed(self) -> bool:
        """Whether it failed by itself, or killed its process too often; it is not retried."""
        return not self.is_finished and (bool(self._faults) or self.deaths >= MOST_DEATHS)

    @property
    def is_ended(self) -> bool:
        """Whether nothing about it will change."""
        return self.is_finished or self.has_failed

    @property
    def is_running(self) -> bool:
        """Whether a process is training it."""
        return not self.is_ended and self.attempt.state == TrialState.RUNNING

    @property
    def is_waiting(self) -> bool:
        """Whether the store has an attempt that no process has taken yet."""
        return not self.is_ended and self.attempt.state == TrialState.WAITING

    @property
    def params(self) -> dict[str, Value]:
        """What it tries; the same in each of its attempts."""
        return dict(self.attempts[0].params)

    @property
    def reason(self) -> str:
        """Why it has no result; empty while it may still get one."""
        if not self.has_failed:
            return ""
        faults = self._faults
        return (
            faults[-1] if faults else f"its process died {self.deaths} times, perhaps out of memory"
        )

    @property
    def _faults(self) -> list[str]:
        return [
            str(attempt.user_attrs[FAULT])
            for attempt in self.attempts
            if attempt.state == TrialState.FAIL and FAULT in attempt.user_attrs
        ]


def trials_of(attempts: Sequence[FrozenTrial], attributes: Mapping[str, Any]) -> list[Trial]:
    """Group the attempts of a search into its trials, in order.

    Args:
        attempts: all attempts of the search, in the order of the store.
        attributes: the search's attributes, which count the deaths of each trial's processes.
    """
    by_trial: dict[int, list[FrozenTrial]] = {}
    for attempt in attempts:
        if TRIAL in attempt.user_attrs:
            by_trial.setdefault(int(attempt.user_attrs[TRIAL]), []).append(attempt)
    return [
        Trial(number, tuple(by_trial[number]), int(attributes.get(deaths_key(number), 0)))
        for number in sorted(by_trial)
    ]


def deaths_key(number: int) -> str:
    """Name of the search's attribute that counts the deaths of a trial's processes."""
    return f"deaths:{number}"


def first_finished(trials: Sequence[Trial], count: int) -> list[Trial]:
    """Return the first ``count`` finished trials: the result of a search of that length."""
    return [trial for trial in trials if trial.is_finished][:count]


def next_trial(
    trials: Sequence[Trial], target: int, ahead: int, most: int | None = None
) -> int | Literal["wait", "done"]:
    """Decide what a free worker does: train a trial, new or retried, or wait, or stop.

    Args:
        trials: the search so far.
        target: how many finished trials the search should have.
        ahead: how many trials may run at once.
        most: how many trials there can be at all, such as the points of a grid.

    Returns:
        The number of the trial to train, ``wait`` or ``done``.
    """
    needed = [trial for trial in trials if not trial.has_failed][:target]
    for trial in needed:
        if not trial.is_ended and not trial.is_running:
            return trial.number
    full = len(needed) >= target or (most is not None and len(trials) >= most)
    if full:
        return "done" if all(trial.is_ended for trial in needed) else "wait"
    all_known = all(trial.is_ended for trial in known(trials, len(trials), ahead))
    return len(trials) if all_known else "wait"


def known(trials: Sequence[Trial], number: int, ahead: int) -> Sequence[Trial]:
    """Return the trials whose results decide what trial ``number`` tries."""
    return trials[: max(0, number - ahead + 1)]

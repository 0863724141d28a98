"""The order of a search: its trials, the attempts at each, and which trial comes next.

A *trial* is a place in the search's order. An *attempt* is one process's try at it, stored as a
trial of Optuna's: when the process is killed, another attempt repeats the trial with the same
parameters. What a trial tries depends on the results of the trials at least ``ahead`` places
before it and on nothing else. So the search yields the same trials with any number of workers, and
however often it is interrupted.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from optuna.trial import FrozenTrial, TrialState

from pipeline.settings.space import Value
from study.search.space import distinct

# Attributes of an attempt.
TRIAL, OWNER, RUN_ID = "trial", "owner", "run_id"
TWIN = "same_as"  # the trial that trained the same model, whose result this one took
FAULT = "fault"  # what is wrong with a trial that failed by itself
REASON = "reason"  # why an attempt ended early for another cause
TRACEBACK = "traceback"

# Further attributes of a finished attempt: what it measured, in nats per image, and its cost.
METRICS = ("elbo", "reconstruction", "kl", "nll", "spread")
COSTS = ("epochs", "seconds")

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
DEATHS = "deaths:"  # begins the names of a search's attributes that count deaths, by trial
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
    def is_evidence(self) -> bool:
        """Whether it trained to the end, which neither a pruned trial did nor one with a twin."""
        return self.attempt.state == TrialState.COMPLETE and self.twin is None

    @property
    def twin(self) -> int | None:
        """The number of the trial whose result it took instead of training; None if it trained."""
        number = self.attempt.user_attrs.get(TWIN)
        return None if number is None else int(number)

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


def result_of(attempt: FrozenTrial) -> dict[str, float]:
    """Return what a complete attempt measured and what it cost; empty for any other."""
    noted = attempt.user_attrs
    return {name: noted[name] for name in METRICS + COSTS if name in noted}


def deaths_key(number: int) -> str:
    """Name of the search's attribute that counts the deaths of a trial's processes."""
    return f"{DEATHS}{number}"


def first_finished(trials: Sequence[Trial], count: int) -> list[Trial]:
    """Return the first ``count`` finished trials: the result of a search of that length."""
    return [trial for trial in trials if trial.is_finished][:count]


def next_trial(
    trials: Sequence[Trial], target: int, ahead: int, most: float = math.inf
) -> int | Literal["wait", "done"]:
    """Decide what a free worker does: train a trial, new or retried, or wait, or stop.

    Args:
        trials: the search so far.
        target: how many finished trials the search should have.
        ahead: how many trials may run at once.
        most: how many different trials there can be, such as the points of a grid.

    Returns:
        The number of the trial to train, ``wait`` or ``done``.
    """
    needed = [trial for trial in trials if not trial.has_failed][:target]
    for trial in needed:
        if not trial.is_ended and not trial.is_running:
            return trial.number
    if len(needed) >= target or is_exhausted(trials, most):
        return "done" if all(trial.is_ended for trial in needed) else "wait"
    all_known = all(trial.is_ended for trial in known(trials, len(trials), ahead))
    return len(trials) if all_known else "wait"


def is_exhausted(trials: Sequence[Trial], most: float) -> bool:
    """Whether every point that there can be has been tried."""
    return len(trials) >= most and distinct(trial.params for trial in trials) >= most


def is_done(trials: Sequence[Trial], target: int, most: float) -> bool:
    """Whether a search has its trials, or every trial that there can be."""
    if len(first_finished(trials, target)) >= target:
        return True
    return is_exhausted(trials, most) and all(trial.is_ended for trial in trials)


def known(trials: Sequence[Trial], number: int, ahead: int) -> Sequence[Trial]:
    """Return the trials whose results decide what trial ``number`` tries."""
    return trials[: max(0, number - ahead + 1)]

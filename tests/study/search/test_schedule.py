"""What comes next in a search, decided from its attempts alone."""

import math
from typing import Any

import optuna
import pytest
from optuna.distributions import IntDistribution
from optuna.trial import FrozenTrial, TrialState

from study.search.schedule import (
    FAULT,
    MOST_DEATHS,
    REASON,
    TRIAL,
    deaths_key,
    first_finished,
    is_done,
    is_exhausted,
    known,
    next_trial,
    trials_of,
)

STATES = {
    "C": TrialState.COMPLETE,
    "T": TrialState.COMPLETE,  # of the same settings as trial 0
    "P": TrialState.PRUNED,
    "R": TrialState.RUNNING,
    "W": TrialState.WAITING,
    "L": TrialState.FAIL,  # lost: its process died
    "F": TrialState.FAIL,  # failed by itself
    "K": TrialState.FAIL,  # lost just before it was pruned
}


def attempt(letter: str, number: int) -> FrozenTrial:
    attributes: dict[str, Any] = {TRIAL: number}
    latent_dim = 2 if letter == "T" else 2 + number
    if letter == "F":
        attributes[FAULT] = "it diverged"
    if letter == "K":
        attributes[REASON] = "pruned after epoch 1"
    return optuna.create_trial(
        state=STATES[letter],
        value=1.0 if STATES[letter] == TrialState.COMPLETE else None,
        params={"latent_dim": latent_dim},
        distributions={"latent_dim": IntDistribution(2, 64)},
        user_attrs=attributes,
    )


def trials(story: str, deaths: dict[int, int] | None = None) -> list[Any]:
    """A search as letters: in `C LR` the second trial was lost and is running again."""
    attempts = [
        attempt(letter, number)
        for number, letters in enumerate(story.split())
        for letter in letters
    ]
    return trials_of(attempts, {deaths_key(number): n for number, n in (deaths or {}).items()})


@pytest.mark.parametrize(
    ("story", "target", "expected"),
    [
        ("", 3, 0),
        ("C", 3, 1),
        ("C R", 3, 2),
        ("C R R", 3, "wait"),
        ("C C P", 3, "done"),
        ("C P C C", 3, "done"),
        ("C L C", 3, 1),  # a lost trial comes first
        ("C LR C", 3, "wait"),
        ("C LL C", 3, 1),
        ("C LC C", 3, "done"),
        ("C W C", 3, 1),  # a kill between queueing and taking
        ("C K C", 3, 1),  # a kill between a pruning's reason and its state
        ("C RW C", 3, "wait"),  # a server's restart queued its second attempt twice
        ("C F C", 3, 3),  # a trial that failed by itself is replaced by another
        ("C F C R", 3, "wait"),
        ("F F F", 3, 3),
        ("C C C L", 3, "done"),  # lost beyond the target
    ],
)
def test_what_comes_next(story: str, target: int, expected: int | str) -> None:
    assert next_trial(trials(story), target, ahead=8) == expected


def test_a_trial_waits_for_those_whose_results_it_needs() -> None:
    assert next_trial(trials("R C C"), target=9, ahead=4) == 3
    assert next_trial(trials("R C C C"), target=9, ahead=4) == "wait"
    assert next_trial(trials("C R C C"), target=9, ahead=4) == 4
    assert next_trial(trials("R"), target=9, ahead=1) == "wait"
    assert [trial.number for trial in known(trials("C C C C C"), 5, ahead=4)] == [0, 1]
    assert [trial.number for trial in known(trials("C C"), 2, ahead=1)] == [0, 1]


def test_a_finite_space_ends_with_its_points() -> None:
    assert next_trial(trials("C T C"), target=9, ahead=8, most=3) == 3
    assert next_trial(trials("C T C C"), target=9, ahead=8, most=3) == "done"
    assert next_trial(trials("C T C"), target=3, ahead=8, most=3) == "done"
    assert not is_done(trials("C T C"), 9, most=3)
    assert not is_done(trials("C T C R"), 9, most=3)
    assert is_done(trials("C T F C"), 9, most=3)
    assert is_exhausted(trials("C T F R"), most=3)
    assert not is_exhausted(trials("C C C C"), most=math.inf)


def test_a_grid_ends_with_its_points() -> None:
    assert next_trial(trials("C F C"), target=3, ahead=8, most=3) == "done"
    assert next_trial(trials("C F R"), target=3, ahead=8, most=3) == "wait"
    assert next_trial(trials("C F L"), target=3, ahead=8, most=3) == 2


def test_a_trial_that_kills_its_processes_is_abandoned() -> None:
    assert next_trial(trials("L C", {0: MOST_DEATHS - 1}), target=2, ahead=8) == 0
    abandoned = trials("LLL C", {0: MOST_DEATHS})
    assert next_trial(abandoned, target=2, ahead=8) == 2
    assert abandoned[0].has_failed
    assert f"died {MOST_DEATHS} times" in abandoned[0].reason
    assert trials("LLC", {0: MOST_DEATHS})[0].is_finished


def test_the_first_finished_stay_the_same_as_a_search_grows() -> None:
    few = [trial.number for trial in first_finished(trials("C F P C R"), 3)]
    more = [trial.number for trial in first_finished(trials("C F P C C C C"), 3)]
    assert few == more == [0, 2, 3]


def test_the_finished_attempt_is_the_one_that_counts() -> None:
    (trial,) = trials("LLC")
    assert trial.attempt.state == TrialState.COMPLETE
    assert [one.state for one in trial.attempts].count(TrialState.FAIL) == 2

"""What comes next in a search, decided from its trials alone."""

from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from study.search.schedule import (
    FAULT,
    MOST_DEATHS,
    REASON,
    TURN,
    deaths_key,
    first_finished,
    known,
    next_turn,
    turns_of,
)

STATES = {
    "C": TrialState.COMPLETE,
    "P": TrialState.PRUNED,
    "R": TrialState.RUNNING,
    "W": TrialState.WAITING,
    "L": TrialState.FAIL,  # lost: its process died
    "F": TrialState.FAIL,  # failed by itself
    "K": TrialState.FAIL,  # lost when it was just to be pruned
}


def trial(letter: str, turn: int) -> FrozenTrial:
    attributes: dict[str, Any] = {TURN: turn}
    if letter == "F":
        attributes[FAULT] = "it diverged"
    if letter == "K":
        attributes[REASON] = "pruned after epoch 1"
    return optuna.create_trial(
        state=STATES[letter], value=1.0 if letter == "C" else None, user_attrs=attributes
    )


def turns(story: str, deaths: dict[int, int] | None = None) -> list[Any]:
    """A search as letters: `C RL` has a complete turn and one that was lost and runs again."""
    trials = [trial(letter, turn) for turn, tries in enumerate(story.split()) for letter in tries]
    return turns_of(trials, {deaths_key(turn): count for turn, count in (deaths or {}).items()})


@pytest.mark.parametrize(
    ("story", "target", "expected"),
    [
        ("", 3, 0),
        ("C", 3, 1),
        ("C R", 3, 2),
        ("C R R", 3, "wait"),
        ("C C P", 3, "done"),
        ("C P C C", 3, "done"),
        ("C L C", 3, 1),  # a lost turn comes first
        ("C LR C", 3, "wait"),
        ("C LL C", 3, 1),
        ("C LC C", 3, "done"),
        ("C W C", 3, 1),  # a kill between queueing and taking
        ("C K C", 3, 1),  # a kill between a pruning's reason and its state
        ("C RW C", 3, "wait"),  # a server's restart had its second try queued twice
        ("C F C", 3, 3),  # what failed by itself is replaced by another turn
        ("C F C R", 3, "wait"),
        ("F F F", 3, 3),
        ("C C C L", 3, "done"),  # lost beyond what is asked for
    ],
)
def test_what_comes_next(story: str, target: int, expected: int | str) -> None:
    assert next_turn(turns(story), target, ahead=8) == expected


def test_a_turn_waits_for_those_that_it_has_to_know() -> None:
    assert next_turn(turns("R C C"), target=9, ahead=4) == 3
    assert next_turn(turns("R C C C"), target=9, ahead=4) == "wait"
    assert next_turn(turns("C R C C"), target=9, ahead=4) == 4
    assert next_turn(turns("R"), target=9, ahead=1) == "wait"
    assert [turn.number for turn in known(turns("C C C C C"), 5, ahead=4)] == [0, 1]
    assert [turn.number for turn in known(turns("C C"), 2, ahead=1)] == [0, 1]


def test_a_grid_ends_with_its_points() -> None:
    assert next_turn(turns("C F C"), target=3, ahead=8, most=3) == "done"
    assert next_turn(turns("C F R"), target=3, ahead=8, most=3) == "wait"
    assert next_turn(turns("C F L"), target=3, ahead=8, most=3) == 2


def test_a_turn_that_kills_its_processes_is_given_up() -> None:
    assert next_turn(turns("L C", {0: MOST_DEATHS - 1}), target=2, ahead=8) == 0
    given_up = turns("LLL C", {0: MOST_DEATHS})
    assert next_turn(given_up, target=2, ahead=8) == 2
    assert given_up[0].is_refused
    assert f"died {MOST_DEATHS} times" in given_up[0].reason
    assert turns("LLC", {0: MOST_DEATHS})[0].is_finished


def test_the_first_finished_stay_the_same_as_a_search_grows() -> None:
    few = [turn.number for turn in first_finished(turns("C F P C R"), 3)]
    more = [turn.number for turn in first_finished(turns("C F P C C C C"), 3)]
    assert few == more == [0, 2, 3]


def test_the_finished_try_is_the_one_that_counts() -> None:
    (turn,) = turns("LLC")
    assert turn.trial.state == TrialState.COMPLETE
    assert [one.state for one in turn.tries].count(TrialState.FAIL) == 2

"""The rules of a search space as a whole: its conditions, points, choices and size."""

import math
from collections.abc import Iterable, Mapping
from functools import cache

from pipeline.settings.shown import show
from pipeline.settings.space import (
    SHORTHANDS,
    Choice,
    Dimension,
    allowed,
    contains,
    steps_to,
    to_value,
)

MOST_POINTS = 100_000  # of a grid
MOST_BALANCED = 1000  # combinations of choices that get the same number of trials

Space = tuple[Dimension, ...]


def require_consistent(space: Space) -> None:
    """Check that names are unique, and that conditions refer to earlier choices.

    Raises:
        ValueError: naming the dimension and the rule.
    """
    earlier: dict[str, Dimension] = {}
    for dimension in space:
        if dimension.name in earlier:
            raise ValueError(f"{dimension.name} must not appear twice")
        for name, value in dimension.when.items():
            condition = earlier.get(name)
            if not isinstance(condition, Choice):
                raise ValueError(
                    f"{dimension.name}: when refers to {name}, which must be a categorical "
                    "dimension that comes before it"
                )
            if value not in condition.values:
                raise ValueError(
                    f"{dimension.name}: when requires {name} = {show(value)}, which is not one of "
                    f"its choices {', '.join(map(show, condition.choices))}"
                )
        earlier[dimension.name] = dimension
    for name, numbers in SHORTHANDS.items():
        whole = earlier.get(name)
        described = [number for number in numbers if number in earlier]
        if described and isinstance(whole, Choice) and isinstance(whole.choices[0], tuple):
            raise ValueError(
                f"{name} is searched as whole lists, so {' and '.join(described)} must not be "
                "searched as well; remove one of them"
            )


def require_point(space: Space, point: Mapping[str, object]) -> None:
    """Check that each value of a point belongs to a dimension that applies, and is allowed.

    Raises:
        ValueError: naming the value and the rule.
    """
    chosen = {name: to_value(value) for name, value in point.items()}
    known: dict[str, Dimension] = {dimension.name: dimension for dimension in space}
    for name, value in chosen.items():
        dimension = known.get(name)
        if dimension is None:
            raise ValueError(f"{name} is not searched; known: {', '.join(known)}")
        if not contains(dimension, value):
            raise ValueError(f"{name} = {show(value)} must be {allowed(dimension)}")
        for other, wanted in dimension.when.items():
            if other in chosen and chosen[other] != wanted:
                raise ValueError(
                    f"{name} applies only when {other} is {show(wanted)}, but the point has "
                    f"{show(chosen[other])}"
                )


def require_grid(space: Space) -> None:
    """Check that a space has a limited number of points, before anyone lists them.

    Raises:
        ValueError: naming the first range without steps, or the number of points.
    """
    for dimension in space:
        if not isinstance(dimension, Choice) and (dimension.step is None or dimension.log):
            raise ValueError(
                f"sampler = grid needs lists of values, but {dimension.name} is a range; declare "
                "it as categorical, give it a step with log: false, or choose another sampler"
            )
    points = size(space)
    if points > MOST_POINTS:
        raise ValueError(
            f"sampler = grid would have {points:,} trials, but may have {MOST_POINTS:,}; declare "
            "fewer values, or choose another sampler"
        )


def require_few_combinations(balanced: Iterable[Choice]) -> None:
    """Check how many combinations there are of choices with the same number of trials.

    Raises:
        ValueError: if there are too many.
    """
    combinations = math.prod(len(choice.values) for choice in balanced)
    if combinations > MOST_BALANCED:
        raise ValueError(
            f"balance: the choices have {combinations:,} combinations, but may have "
            f"{MOST_BALANCED:,}"
        )


def size(space: Space) -> float:
    """Return how many points a space has; infinite if it contains a range without steps."""
    amounts = list(map(_amount, space))

    @cache  # what was chosen matters only by what it leaves open, or this would list all points
    def points(place: int, still_open: frozenset[int]) -> float:
        """Return in how many ways a point can continue.

        Args:
            place: the first dimension that is not decided yet.
            still_open: which of the dimensions from there on no earlier choice has excluded.
        """
        if place == len(space):
            return 1
        name, later = space[place].name, still_open - {place}
        naming = {one: space[one].when[name] for one in later if name in space[one].when}
        without = later.difference(naming)
        if place not in still_open:
            return points(place + 1, without)
        wanted = set(naming.values())
        counts = [
            points(place + 1, without.union(one for one in naming if naming[one] == value))
            for value in wanted
        ]
        # Choices that no condition names all leave the same dimensions open.
        others = amounts[place] - len(wanted)
        return sum(counts) + (others * points(place + 1, without) if others else 0)

    return points(0, frozenset(range(len(space))))


def _amount(dimension: Dimension) -> float:
    if isinstance(dimension, Choice):
        return len(dimension.values)
    if dimension.low == dimension.high:
        return 1
    return math.inf if dimension.step is None else steps_to(dimension, dimension.high) + 1

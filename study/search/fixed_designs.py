"""Points that are fixed before a search starts: every point of a grid, and a Sobol sequence.

Optuna's samplers of the same names leave conditions to chance, and its QMC sampler also choices.
"""

from collections.abc import Callable, Mapping

import numpy as np

from pipeline.settings.space import (
    Choice,
    Dimension,
    FloatRange,
    IntRange,
    Value,
    applies,
    at_step,
    steps_to,
)
from study.search.space import Chosen


def grid(space: tuple[Dimension, ...], seed: int) -> list[Chosen]:
    """Return every point of the space once, in random order so that the first ones are spread out.

    The settings have checked that there are not too many.
    """
    points: list[Chosen] = [{}]
    for dimension in space:
        values = _values(dimension)
        points = [
            point | extension
            for point in points
            for extension in (
                [{dimension.name: v} for v in values] if applies(dimension, point) else [{}]
            )
        ]
    order = np.random.default_rng(seed).permutation(len(points))
    return [points[index] for index in order]


def _values(dimension: Dimension) -> list[Value]:
    if isinstance(dimension, Choice):
        return list(dimension.values)
    if isinstance(dimension, IntRange):
        return list(range(dimension.low, dimension.high + 1, dimension.step))
    return [at_step(dimension, k) for k in range(steps_to(dimension, dimension.high) + 1)]


def sobol_point(
    space: tuple[Dimension, ...], number: int, seed: int, given: Mapping[str, Value]
) -> Chosen:
    """Return point ``number`` of a scrambled Sobol sequence over the space (Owen 1998).

    A dimension that does not apply keeps its coordinate, so the others stay evenly spread.

    Args:
        space: the dimensions.
        number: place in the sequence, from 0.
        seed: of the scrambling.
        given: values that are decided already, whose dimensions have no coordinate.
    """
    from scipy.stats.qmc import Sobol  # takes 0.8 s, for which every worker would wait

    free = [dimension for dimension in space if dimension.name not in given]
    coordinates: dict[str, float] = {}
    if free:
        engine = Sobol(len(free), scramble=True, rng=seed)
        if number:
            engine.fast_forward(number)
        coordinates = dict(zip((one.name for one in free), engine.random(1)[0], strict=True))
    chosen: Chosen = {}
    for dimension in space:
        if dimension.name in given:
            chosen[dimension.name] = given[dimension.name]
        elif applies(dimension, chosen):
            chosen[dimension.name] = _at(dimension, float(coordinates[dimension.name]))
    return chosen


def _at(dimension: Dimension, u: float) -> Value:
    """Return the value at a fraction u in [0, 1) of a dimension."""
    if isinstance(dimension, Choice):
        return dimension.values[int(u * len(dimension.values))]
    if dimension.step is not None and not dimension.log:
        return at_step(dimension, int(u * (steps_to(dimension, dimension.high) + 1)))
    scale, back = _scale(dimension)
    if isinstance(dimension, IntRange):
        # Each integer owns an equal step of the scale around itself.
        low, high = scale(dimension.low - 0.5), scale(dimension.high + 0.5)
        return min(dimension.high, max(dimension.low, round(back(low + u * (high - low)))))
    low, high = scale(dimension.low), scale(dimension.high)
    return min(dimension.high, max(dimension.low, back(low + u * (high - low))))


def _scale(
    dimension: IntRange | FloatRange,
) -> tuple[Callable[[float], float], Callable[[float], float]]:
    if not dimension.log:
        return float, float
    return lambda x: float(np.log(x)), lambda x: float(np.exp(x))

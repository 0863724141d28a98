"""Points that are fixed before a search starts: every point of a grid, and a Sobol sequence.

Optuna's samplers of the same names leave conditions to chance, and its QMC sampler also choices.
"""

from collections.abc import Callable

import numpy as np

from pipeline.errors import UserError
from pipeline.settings.space import Choice, Dimension, FloatRange, IntRange, Value
from study.search.space import Chosen, applies


def grid(space: tuple[Dimension, ...], seed: int) -> list[Chosen]:
    """Return every point of the space once, in random order so that the first ones are spread out.

    Raises:
        UserError: if a dimension is not a list of values.
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
        return list(dimension.choices)
    if isinstance(dimension, IntRange) and not dimension.log:
        return list(range(dimension.low, dimension.high + 1))
    raise UserError(
        f"search.sampler = grid needs lists of values, but {dimension.name} is a range; declare it "
        "as categorical, or choose another sampler"
    )


def sobol_point(space: tuple[Dimension, ...], number: int, seed: int) -> Chosen:
    """Return point ``number`` of a scrambled Sobol sequence over the space (Owen 1998).

    A dimension that does not apply keeps its coordinate, so the others stay evenly spread.
    """
    from scipy.stats.qmc import Sobol  # takes 0.8 s, for which every worker would wait

    engine = Sobol(len(space), scramble=True, rng=seed)
    if number:
        engine.fast_forward(number)
    coordinates = engine.random(1)[0]
    chosen: Chosen = {}
    for dimension, coordinate in zip(space, coordinates, strict=True):
        if applies(dimension, chosen):
            chosen[dimension.name] = _at(dimension, float(coordinate))
    return chosen


def _at(dimension: Dimension, u: float) -> Value:
    """Return the value at a fraction u in [0, 1) of a dimension."""
    if isinstance(dimension, Choice):
        return dimension.choices[int(u * len(dimension.choices))]
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

"""The registry of measures: everything that is measured and drawn for a model, in order.

To add one, write a file with ``measure(subject) -> (numbers, arrays)`` and add a line here. Its
numbers then appear in ``metrics.csv`` and its arrays in ``arrays.npz``. Numbers that are also
declared in ``pipeline.schemas`` have a label, a unit and a definition in the report.
"""

import math
from collections.abc import Callable

from pipeline.evaluation.evaluated_model import Measurement, Number, Numbers
from pipeline.judge.context import JudgedModel
from pipeline.measures import (
    annealing,
    appearance,
    bound,
    judged_plane,
    latents,
    likelihood,
    paths,
    pictures,
    plane,
    ranked_images,
    samples,
    traversals,
)
from pipeline.schemas.arrays import Arrays
from pipeline.schemas.metrics import METRICS

MEASURES: tuple[Callable[[JudgedModel], Measurement], ...] = (
    bound.measure,
    likelihood.measure,
    annealing.measure,
    latents.measure,
    appearance.measure,
    plane.measure,
    pictures.measure,
    ranked_images.measure,
    traversals.measure,
    samples.measure,
    paths.measure,
    judged_plane.measure,
)


def measure_all(subject: JudgedModel) -> tuple[Numbers, Arrays]:
    """Apply every measure to a model.

    Returns:
        All metrics in the order of ``METRICS``, None for those that the run does not have, followed
        by numbers that are not declared there; and all arrays.
    """
    numbers: Numbers = {}
    arrays: Arrays = {}
    for measure in MEASURES:
        found, drawn = measure(subject)
        numbers |= found
        arrays |= drawn
    finite = {name: _finite(value) for name, value in numbers.items()}
    ordered: Numbers = {name: finite.pop(name, None) for name in METRICS}
    return ordered | finite, arrays


def _finite(value: Number) -> Number:
    """Return None for a number that is not finite, which JSON cannot represent."""
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""Panels of the aggregate posterior: the curves they contain."""

import numpy as np

from analysis.figures.aggregate import Aggregate, aggregate_posteriors
from analysis.present.style import ModelStyle, theme

STYLES = {"a": ModelStyle("#ff0000", "o"), "b": ModelStyle("#0000ff", "s")}
Z = np.linspace(-4, 4, 41)


def densities(dimensions: int) -> np.ndarray:
    return np.linspace(0.1, 0.3, 41 * dimensions).reshape(41, dimensions)


def test_two_of_many_dimensions_and_their_range() -> None:
    many, plane = densities(3), densities(2)
    models = [
        Aggregate("a", "a", many, np.array([2, 0, 1]), "marginal KL\n1.00 nats"),
        Aggregate("b", "b (collapsed)", plane, np.array([1, 0])),
    ]
    with theme():
        figure = aggregate_posteriors(models, Z, 2, STYLES)
    first, second = figure.axes
    _, most, least, _ = first.lines
    np.testing.assert_array_equal(most.get_ydata(), many[:, 2])
    np.testing.assert_array_equal(least.get_ydata(), many[:, 1])
    assert len(first.collections) == 1  # the range
    np.testing.assert_array_equal(second.lines[1].get_ydata(), plane[:, 0])
    np.testing.assert_array_equal(second.lines[2].get_ydata(), plane[:, 1])
    assert not second.collections
    assert first.texts[0].get_text() == "marginal KL\n1.00 nats"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[1:3] == ["z1 or most active", "z2 or least active"]


def test_one_dimension() -> None:
    with theme():
        figure = aggregate_posteriors(
            [Aggregate("a", "a", densities(1), np.array([0]))], Z, 4, STYLES
        )
    assert len(figure.axes[0].lines) == 3  # the prior, the dimension, the marker

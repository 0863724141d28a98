"""The map of classes: orientation, borders, implausible cells, labels."""

import numpy as np

from analysis.figures.plane import ClassMap, class_maps
from analysis.present.style import ModelStyle, theme

STYLES = {"a": ModelStyle("#ff0000", "o")}
AXIS = np.linspace(-1.5, 1.5, 5)


def test_a_map_of_two_classes() -> None:
    classes = np.zeros((5, 5), int)
    classes[3:] = 1  # z2 >= 0.75
    plausible = np.ones((5, 5), bool)
    plausible[4, 0] = False  # z1 = -1.5, z2 = 1.5
    with theme():
        figure = class_maps([ClassMap("a", "a", classes, plausible)], AXIS, ["_$", "b"], STYLES)
    (axes,) = figure.axes
    colours = np.asarray(axes.images[0].get_array()).astype(int)
    assert (colours[0, 1] == colours[1, 4]).all()  # the upper two rows are one class
    assert (colours[2] == colours[4]).all()
    assert (colours[1, 1] != colours[2, 1]).any()
    assert colours[0, 0].sum() > colours[0, 1].sum()  # paler
    dots, cross = axes.lines
    assert dots.get_xydata().tolist() == [[-1.5, 1.5]]
    assert cross.get_xydata().tolist() == [[0, 0]]
    (borders,) = axes.collections
    assert {y for segment in borders.get_segments() for _, y in segment} == {0.375}
    named = {text.get_text(): text.xy for text in axes.texts}
    assert named["_$"][1] < 0.375 < named["b"][1]


def test_without_confidence_nothing_is_doubted() -> None:
    classes = np.zeros((5, 5), int)
    with theme():
        figure = class_maps([ClassMap("a", "a", classes, None)], AXIS, [], STYLES)
    (axes,) = figure.axes
    assert len(axes.lines) == 1  # the cross
    assert [text.get_text() for text in axes.texts] == ["0"]

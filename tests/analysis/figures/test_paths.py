"""Interpolations: the positions of images, and the classes below them."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from analysis.figures.canvas import mosaic
from analysis.figures.paths import Judged, Paths, interpolations, pairs_shown
from analysis.present.style import ModelStyle, theme

STYLES = {"a": ModelStyle("#ff0000", "o"), "b": ModelStyle("#0000ff", "s")}
ENDS = np.random.default_rng(0).integers(0, 256, (2, 2, 6, 6), dtype=np.uint8)
IMAGES = np.random.default_rng(1).integers(0, 256, (2, 3, 6, 6), dtype=np.uint8)
CONFIDENCE = np.array([[1.0, 0.4, 0.95], [0.5, 0.5, 0.5]])
JUDGED = Judged(np.array([[0, 1, 1], [0, 0, 0]]), CONFIDENCE, CONFIDENCE > 0.9)


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_paths_are_between_their_ends() -> None:
    with theme():
        figure = interpolations(ENDS, [Paths("a", "a", IMAGES)], STYLES)
    left, right, path = (np.asarray(axes.images[0].get_array())[..., 0] for axes in figure.axes[:3])
    np.testing.assert_array_equal(left, ENDS[0, 0])
    np.testing.assert_array_equal(right, ENDS[0, 1])
    np.testing.assert_array_equal(path, mosaic(IMAGES[:1]))
    assert len(figure.axes) == 2 * 3
    assert words(figure) == ["a", "a"]


def test_an_implausible_step_is_recognisable_without_colour() -> None:
    with theme():
        figure = interpolations(ENDS, [Paths("a", "a", IMAGES, JUDGED)], STYLES, ["7", "8"])
    assert words(figure) == ["a", "7", "8?", "8", "a", "7?", "7?", "7?"]
    rooms, sure, doubted = figure.axes[-1].collections
    assert isinstance(rooms, PolyCollection)
    assert [len(group.get_paths()) for group in (rooms, sure, doubted)] == [6, 2, 4]
    full, bar = rooms.get_paths()[1].vertices[:, 0], doubted.get_paths()[0].vertices[:, 0]
    assert np.ptp(bar) / np.ptp(full) == pytest.approx(0.4)
    assert doubted.get_facecolor()[0].tolist() == [1, 1, 1, 1]  # hollow


def test_long_names_are_shortened_before_the_next_image() -> None:
    with theme():
        figure = interpolations(
            ENDS, [Paths("a", "a", IMAGES, JUDGED)], STYLES, ["T-shirt/top", "An ankle boot"]
        )
    named = [word for word in words(figure) if word.startswith("T-")]
    assert named
    assert all(word.endswith("…") or word == "T-shirt/top" for word in named)


def test_judged_and_unjudged_models_can_be_mixed() -> None:
    models = [Paths("a", "a", IMAGES, JUDGED), Paths("b", "b", IMAGES)]
    with theme():
        figure = interpolations(ENDS, models, STYLES)
    assert words(figure)[:5] == ["a", "0", "1?", "1", "b"]


@pytest.mark.parametrize(("models", "shown"), [(1, 6), (4, 3), (16, 1), (100, 1)])
def test_many_models_show_fewer_pairs(models: int, shown: int) -> None:
    assert pairs_shown(6, models) == shown

"""Sheets of images: which images stand where."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures.canvas import mosaic
from analysis.figures.images import interpolations, pairs_shown, reconstructions, samples
from analysis.style import ModelStyle, theme

STYLES = {"a": ModelStyle("#ff0000", "o"), "b": ModelStyle("#0000ff", "s")}


def images(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 6, 6), dtype=np.uint8)


def canvases(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(axes.images[0].get_array())[..., 0] for axes in figure.axes]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_reconstructions() -> None:
    originals, first, second = images(4), images(4, seed=1), images(4, seed=2)
    with theme():
        figure = reconstructions(
            [("original", originals)], [("a", "a", first), ("b", "b (collapsed)", second)], STYLES
        )
    above, below = canvases(figure)
    np.testing.assert_array_equal(above, mosaic(originals[None]))
    np.testing.assert_array_equal(below, mosaic(np.stack([first, second])))
    assert words(figure) == ["original", "a", "b (collapsed)"]


@pytest.mark.parametrize(("amount", "side"), [(64, 8), (20, 4), (1, 1)])
def test_samples_are_square_blocks(amount: int, side: int) -> None:
    drawn = images(amount)
    with theme():
        figure = samples([("a", "a", drawn), ("b", "b", drawn)], 2, STYLES)
    block = drawn[: side**2].reshape(side, side, 6, 6)
    assert len(figure.axes) == 2
    np.testing.assert_array_equal(canvases(figure)[1], mosaic(block))


def test_interpolations_stand_between_their_ends() -> None:
    ends, paths = images(2, 2), images(2, 5, seed=1)
    with theme():
        figure = interpolations(ends, [("a", "a", paths)], STYLES)
    left, right, path = canvases(figure)[:3]
    np.testing.assert_array_equal(left, ends[0, 0])
    np.testing.assert_array_equal(right, ends[0, 1])
    np.testing.assert_array_equal(path, mosaic(paths[:1]))
    assert len(figure.axes) == 2 * 3


@pytest.mark.parametrize(("models", "shown"), [(1, 6), (8, 3), (16, 1), (100, 1)])
def test_many_models_show_fewer_pairs(models: int, shown: int) -> None:
    assert pairs_shown(6, models) == shown

"""Sheets of images: the positions of images."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures.canvas import mosaic
from analysis.figures.images import reconstructions, samples
from analysis.present.style import ModelStyle, theme

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


def test_doubtful_samples_are_marked_in_their_corner() -> None:
    drawn = images(4)
    doubtful = np.array([False, True, False, False])
    with theme():
        figure = samples([("a", "a", drawn)], 1, STYLES, {"a": doubtful})
    block, overlay = figure.axes
    (marks,) = overlay.collections
    (corner,) = marks.get_paths()
    scale = 14  # of 6 pixels within 84
    assert corner.vertices[:, 0].max() == pytest.approx((6 + 1 + 6) * scale)
    assert corner.vertices[:, 1].min() == pytest.approx(52)
    assert len(block.images) == 1


def test_the_number_of_marks_is_next_to_the_name() -> None:
    doubtful = np.arange(64) < 5
    with theme():
        figure = samples([("a", "a", images(64))], 1, STYLES, {"a": doubtful})
    assert words(figure) == ["a", "5 of 64 marked"]

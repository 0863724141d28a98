"""Error maps and ranked images: colours, numbers, positions."""

import numpy as np

from analysis.figures.canvas import mosaic
from analysis.figures.errors import error_maps, ranked, signed_errors
from analysis.present.style import ModelStyle, theme

STYLES = {"a": ModelStyle("#ff0000", "o")}


def test_errors_are_signed_shares_of_the_range() -> None:
    original, drawn = np.array([255, 0, 51], np.uint8), np.array([0, 255, 51], np.uint8)
    assert signed_errors(original, drawn).tolist() == [-1.0, 1.0, 0.0]


def test_dark_is_blue_bright_is_red_right_is_white() -> None:
    original = np.zeros((1, 4, 4), np.uint8)
    original[0, 0, 0] = 255
    drawn = np.zeros((1, 4, 4), np.uint8)
    drawn[0, 3, 3] = 255
    with theme():
        figure = error_maps(original, [("a", "a", drawn)], STYLES)
    red, green, blue = np.moveaxis(np.asarray(figure.axes[1].images[0].get_array()), -1, 0)
    assert blue[0, 0] > 2 * red[0, 0]  # missing
    assert red[3, 3] > 2 * blue[3, 3]  # too much
    assert red[1, 1] == green[1, 1] == blue[1, 1] == 255
    texts = [text.get_text() for text in figure.texts]
    assert texts == ["original", "mean", "|error|", "a", "0.125"]
    assert "reconstruction − original" in figure.axes[2].get_xlabel()


def test_ranked_images_are_above_their_reconstructions() -> None:
    random = np.random.default_rng(0)
    originals, drawn = random.integers(0, 256, (2, 3, 5, 6, 6), dtype=np.uint8)
    values = np.arange(15.0).reshape(3, 5)
    values[1] = 7.0
    with theme():
        figure = ranked([("a", "a", originals, drawn, values)], 1, STYLES)
    for row, axes in enumerate(figure.axes):
        shown = np.asarray(axes.images[0].get_array())[..., 0]
        np.testing.assert_array_equal(shown, mosaic(np.stack([originals[row], drawn[row]])))
    assert [text.get_text() for text in figure.texts] == [
        "a", "best: 0.0 to 4.0 nats", "median: 7.0 nats", "worst: 10.0 to 14.0 nats"
    ]  # fmt: skip

"""The latent plane: orientation, labels."""

import numpy as np

from analysis.figures.latents import Path, class_name, latent_grid, posterior_means
from analysis.present.style import ModelStyle, theme

STYLES = {"a": ModelStyle("#ff0000", "o")}


def test_z1_points_right_and_z2_points_up() -> None:
    axis = np.linspace(-1.5, 1.5, 3)
    grid = np.zeros((3, 3, 4, 4), dtype=np.uint8)
    grid[2, 0] = 200  # z1 = -1.5, z2 = 1.5
    with theme():
        figure = latent_grid([("a", "a", grid, axis)], STYLES)
    image = figure.axes[0].images[0]
    drawn = np.asarray(image.get_array())[..., 0]
    assert (drawn[:4, :4] == 200).all()  # at the top left
    assert drawn.sum() == 200 * 16
    left, right, bottom, top = image.get_extent()
    assert (left, right, bottom, top) == (-2.25, 2.25, -2.25, 2.25)


def test_points_and_names() -> None:
    mu = np.array([[0.0, 1.0], [0.0, 3.0], [-4.0, 0.0]])
    labels = np.array([0, 0, 1])
    with theme():
        figure = posterior_means([("a", "a", mu, labels)], ["_T-shirt$", "Bag"], 1.5, STYLES)
    axes = figure.axes[0]
    np.testing.assert_allclose(np.asarray(axes.collections[0].get_offsets()), mu)
    named = {text.get_text(): text.get_position() for text in axes.texts}
    assert named == {"_T-shirt$": (0.0, 2.0), "Bag": (-4.0, 0.0)}
    assert axes.get_xlim()[0] < -4.0
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [" _T-shirt$", "Bag"]


def test_a_label_without_name_shows_its_number() -> None:
    assert [class_name(kind, ["zero"]) for kind in (0, 1, -1)] == ["zero", "1", "-1"]


def test_a_path_is_clipped_at_the_edge_of_the_plane() -> None:
    axis = np.linspace(-1.5, 1.5, 3)
    codes = np.array([[0.0, 0.0], [1.5, 1.5], [3.0, 3.0]])
    with theme():
        figure = latent_grid(
            [("a", "a", np.zeros((3, 3, 4, 4), np.uint8), axis)],
            STYLES,
            {"a": Path(codes, ("4", "_1"))},
        )
    (axes,) = figure.axes
    line, begin = axes.lines
    np.testing.assert_array_equal(line.get_xydata(), codes)
    assert begin.get_xydata().tolist() == [[0, 0]]  # the end lies outside, and has no mark
    assert [text.get_text() for text in axes.texts] == ["4"]
    assert (axes.get_xlim(), axes.get_ylim()) == ((-2.25, 2.25), (-2.25, 2.25))

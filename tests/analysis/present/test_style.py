"""Colours, and bytes that do not change."""

import io
import itertools
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from analysis.present.style import Format, assign_styles, legend_label, render, theme


def configurations(*cells: tuple[str, int, float]) -> pd.DataFrame:
    frame = pd.DataFrame(cells, columns=["architecture", "latent_dim", "beta"])
    return frame.assign(model=[f"{a}-{d}-{b}" for a, d, b in cells])


def drawing() -> Figure:
    with theme():
        figure = Figure(figsize=(2, 1), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1])
        axes.set_title("$5_x$")
    return figure


def test_the_four_fixed_colours() -> None:
    styles = assign_styles(
        configurations(("linear", 2, 1), ("linear", 10, 1), ("conv", 2, 1), ("conv", 10, 1))
    )
    red, cyan, blue, pink = (to_rgb(style.colour) for style in styles.values())
    assert red[0] > 2 * max(red[1:])
    assert min(cyan[1:]) > 0.5 > 0.1 > cyan[0]
    assert blue[2] > 2 * max(blue[:2])
    assert pink[0] > pink[2] > pink[1]


def test_a_model_keeps_its_style_among_any_others() -> None:
    alone = assign_styles(configurations(("conv", 20, 1)))
    together = assign_styles(configurations(("linear", 7, 1), ("linear", 3, 1), ("conv", 20, 1)))
    assert alone["conv-20-1"] == together["conv-20-1"]


def test_no_two_configurations_look_the_same() -> None:
    cells = itertools.product(("linear", "conv"), (2, 3, 5, 8, 10, 16, 20, 32, 64), (0.5, 1.0, 4.0))
    styles = assign_styles(configurations(*cells))
    assert len(set(styles.values())) == 2 * 9 * 3


def test_beta_one_keeps_the_base_colour() -> None:
    plain = assign_styles(configurations(("conv", 2, 1)))["conv-2-1"]
    styles = assign_styles(configurations(("conv", 2, 0.5), ("conv", 2, 1)))
    assert styles["conv-2-1"] == plain != styles["conv-2-0.5"]


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_bytes_are_stable(kind: Format) -> None:
    first, second = render(drawing(), kind), render(drawing(), kind)
    assert first == second
    assert b"date" not in first.lower()
    assert b"matplotlib" not in first.lower().replace(b"matplotlib.axis", b"")


def test_a_dollar_is_a_dollar() -> None:
    root = ElementTree.fromstring(render(drawing(), "svg"))
    comments = ElementTree.tostring(root)
    assert b"mathtext" not in comments


def test_a_png_has_a_palette() -> None:
    image = Image.open(io.BytesIO(render(drawing(), "png")))
    assert image.mode == "P"
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_a_png_with_many_colours_approximates_them() -> None:
    """The blue plane of the colour cube at 64 x 64 has 1,024 of the 32 levels' colours."""
    steps = np.linspace(0, 1, 64)
    cube = np.stack([*np.meshgrid(steps, steps), np.full((64, 64), 0.5)], axis=-1)
    figure = Figure(figsize=(1, 1))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.imshow(cube, interpolation="nearest", aspect="auto")
    image = Image.open(io.BytesIO(render(figure, "png")))
    drawn = np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.NEAREST))
    assert 250 < len(image.getcolors() or []) <= 256
    assert np.abs(drawn / 255 - cube).mean() < 0.03


def test_png_has_two_pixels_per_css_pixel() -> None:
    assert Image.open(io.BytesIO(render(drawing(), "png"))).size == (2 * 192, 192)


def test_the_theme_leaves_no_trace() -> None:
    before = dict(mpl.rcParams)
    with theme():
        assert mpl.rcParams["svg.hashsalt"]
    assert dict(mpl.rcParams) == before


def test_legend_labels_are_not_left_out() -> None:
    assert not legend_label("_hidden").startswith("_")
    assert legend_label("conv-2") == "conv-2"

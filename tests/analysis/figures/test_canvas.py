"""Mosaics and sheets preserve every pixel."""

import io

import numpy as np
from PIL import Image

from analysis.figures.canvas import PAPER, Sheet, mosaic, whole_scale
from analysis.present.style import render, theme


def test_mosaic_puts_rows_and_columns_in_place() -> None:
    images = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
    canvas = mosaic(images, gap=2)
    assert canvas.shape == (2 * 6 - 2, 3 * 7 - 2)
    np.testing.assert_array_equal(canvas[6:10, 14:19], images[1, 2])
    assert (canvas[4:6] == PAPER).all()


def test_mosaic_without_gap() -> None:
    images = np.arange(16, dtype=np.uint8).reshape(2, 2, 2, 2)
    np.testing.assert_array_equal(mosaic(images, gap=0)[:2, :2], images[0, 0])
    assert mosaic(images, gap=0).shape == (4, 4)


def test_whole_scale() -> None:
    assert (whole_scale(28, 112), whole_scale(28, 100), whole_scale(500, 100)) == (4, 3, 1)


def test_a_sheet_shows_each_pixel_as_a_square() -> None:
    canvas = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
    canvas[0, :2] = 0, 255
    with theme():
        sheet = Sheet(130, 90)
        sheet.place(canvas, left=10, top=5, scale=4)
    drawn = np.asarray(Image.open(io.BytesIO(render(sheet.figure, "png"))).convert("RGB"))
    assert drawn.shape[:2] == (90, 130)
    large = canvas.repeat(4, axis=0).repeat(4, axis=1)
    shown = drawn[5:85, 10:130]
    assert (shown == shown[..., :1]).all()  # grey stays grey
    assert np.abs(shown[..., 0].astype(int) - large).max() <= 4  # half a step of 32 levels
    assert shown[0, 0, 0] == 0
    assert shown[0, 4, 0] == 255


def test_coloured_pixels_keep_their_colour() -> None:
    canvas = np.zeros((1, 2, 3), np.uint8)
    canvas[0, 1] = 255, 0, 255
    with theme():
        sheet = Sheet(8, 4)
        sheet.place(canvas, left=0, top=0, scale=4)
    drawn = np.asarray(Image.open(io.BytesIO(render(sheet.figure, "png"))).convert("RGB"))
    assert drawn[0, 0].tolist() == [0, 0, 0]
    assert drawn[3, 7].tolist() == [255, 0, 255]

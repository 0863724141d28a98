"""Sprites as a browser decodes them."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from analysis.present.sprites import sprite_uri, to_png


def read(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        assert image.mode in ("L", "P")
        return np.asarray(image.convert("L"))


@pytest.mark.parametrize("width", [1, 4, 7])
def test_greys_are_rounded_to_sixteen_levels(width: int) -> None:
    sheet = np.random.default_rng(0).integers(0, 256, (5, width), dtype=np.uint8)
    seen = read(to_png(sheet))
    np.testing.assert_array_equal(seen, 17 * np.round(sheet / 17).astype(int))


def test_every_level_is_kept() -> None:
    levels = np.arange(0, 256, 17, dtype=np.uint8).reshape(2, 8)
    np.testing.assert_array_equal(read(to_png(levels)), levels)


def test_an_image_is_at_its_row_and_column() -> None:
    images = (17 * (np.arange(2 * 3 * 2 * 2) % 16)).astype(np.uint8).reshape(2, 3, 2, 2)
    kind, _, content = sprite_uri(images).partition(",")
    assert kind == "data:image/png;base64"
    sheet = read(base64.b64decode(content))
    assert sheet.shape == (4, 6)
    np.testing.assert_array_equal(sheet[2:4, 4:6], images[1, 2])
    np.testing.assert_array_equal(sheet[0:2, 2:4], images[0, 1])

"""Pictures: the same images for every model, the right codes, bytes as stated."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pipeline.evaluation.pictures import (
    as_bytes,
    decode,
    images_to_show,
    pairs_to_show,
    plane,
    straight_paths,
    write_sheets,
)
from tests.pipeline.known import code_as_pixels

LABELS = np.repeat(np.arange(5), 4)


def test_shown_images_take_the_classes_in_turn() -> None:
    shown = images_to_show(LABELS, 12, seed=0)
    assert LABELS[shown].tolist() == [*range(5), *range(5), 0, 1]
    assert len(set(shown)) == 12
    assert images_to_show(LABELS, 12, seed=0).tolist() == shown.tolist()
    assert images_to_show(LABELS, 12, seed=1).tolist() != shown.tolist()
    assert len(images_to_show(LABELS, 99, seed=0)) == 20


def test_pairs_are_of_different_classes() -> None:
    pairs = pairs_to_show(LABELS, 50, seed=0)
    assert pairs.shape == (50, 2)
    assert (LABELS[pairs[:, 0]] != LABELS[pairs[:, 1]]).all()
    assert pairs_to_show(np.zeros(5, dtype=np.int64), 3, seed=0).shape == (0, 2)


def test_paths_are_straight_and_hold_both_ends() -> None:
    start, end = torch.tensor([[0.0, 0.0], [1, 1]]), torch.tensor([[4.0, 2.0], [1, 5]])
    paths = straight_paths(start, end, steps=5)
    assert paths.shape == (2, 5, 2)
    assert paths[0].tolist() == [[0, 0], [1, 0.5], [2, 1], [3, 1.5], [4, 2]]
    assert torch.equal(paths[:, -1], end)


def test_the_plane_has_z1_along_its_columns() -> None:
    codes = plane(torch.tensor([-1.5, 0, 1.5]))
    assert codes[0, 2].tolist() == [1.5, -1.5]
    assert codes[2, 0].tolist() == [-1.5, 1.5]


def test_bytes_are_rounded_and_clipped() -> None:
    images = torch.tensor([-0.5, 0.0, 0.4999 / 255, 0.5001 / 255, 1.0, 7.0]).view(6, 1, 1, 1)
    assert as_bytes(images).ravel().tolist() == [0, 0, 0, 1, 255, 255]


def test_codes_of_any_shape_are_decoded() -> None:
    codes = torch.linspace(-1, 1, 12).view(2, 3, 2)
    images = decode(code_as_pixels(2), codes)
    assert images.shape == (2, 3, 1, 2)
    expected = (255 * (0.5 + 0.1 * codes)).round()
    np.testing.assert_array_equal(images[:, :, 0], expected)


def test_sheets_are_pictures(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = ("originals", "inputs", "reconstructions")
    arrays = {name: random.integers(0, 256, (10, 8, 8), dtype=np.uint8) for name in rows}
    arrays["samples"] = random.integers(0, 256, (9, 8, 8), dtype=np.uint8)
    write_sheets(tmp_path, arrays)
    with Image.open(tmp_path / "samples.png") as samples:
        assert samples.size == (3 * 26 + 2, 3 * 26 + 2)
        top_left = np.asarray(samples)[3:26:3, 3:26:3]
    assert np.array_equal(top_left, arrays["samples"][0])
    with Image.open(tmp_path / "reconstructions.png") as sheet:
        assert sheet.size == (10 * 26 + 2, 3 * 26 + 2)
        second_row = np.asarray(sheet)[26 + 3 : 2 * 26 : 3, 3:26:3]
    assert np.array_equal(second_row, arrays["inputs"][0])

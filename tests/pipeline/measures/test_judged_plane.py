"""The classes on the plane, on answers that can be counted by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.measures.judged_plane import grid_centrality, measure
from tests.pipeline.evaluation.subjects import evaluated
from tests.pipeline.judge.known_judge import judged, pixels_of


def test_the_plane_of_a_known_decoder() -> None:
    """Pixel 0 is 0.5 + 0.45 z1: the classes are stripes that change at z1 = -0.44 and 0.44."""
    model = pixels_of([[0.45, 0.0], [0.0, 0.0]], [0.5, 1.0])
    numbers, arrays = measure(judged(evaluated(model, torch.zeros(4, 2))))
    assert numbers == {"grid_center_class": 1, "grid_center_borders": 2, "grid_classes": 3}
    stripes = np.repeat([0, 1, 2], [11, 9, 11])  # a column is 0.1 wide
    np.testing.assert_array_equal(arrays["plane_classes"], np.tile(stripes, (31, 1)))
    np.testing.assert_array_equal(arrays["plane_confidence"], np.ones((31, 31)))
    assert arrays["plane_borders"].tolist() == [[0, 1], [1, 2], [2, 1]]


def test_other_latent_sizes_have_no_plane() -> None:
    model = pixels_of([[0.1, 0.0, 0.0], [0.0, 0.1, 0.0]], [0.5, 0.5])
    assert measure(judged(evaluated(model, torch.zeros(4, 3)))) == ({}, {})


def test_a_plane_of_one_class_borders_none() -> None:
    grid = grid_centrality(np.full((5, 5), 7))
    assert (grid.center_class, grid.borders, grid.center_borders) == (7, {7: 0}, 0)


def test_borders_are_shared_sides_not_corners() -> None:
    classes = np.array([[0, 0, 1], [0, 2, 1], [3, 3, 1]])
    grid = grid_centrality(classes)
    assert grid.center_class == 2
    assert grid.borders == {0: 3, 1: 3, 2: 3, 3: 3}
    diagonal = np.array([[0, 1, 1], [1, 1, 1], [1, 1, 2]])
    assert grid_centrality(diagonal).borders == {0: 1, 1: 2, 2: 1}
    checkered = np.array([[4, 1, 4], [1, 4, 1], [4, 1, 4]])
    assert grid_centrality(checkered).borders == {1: 1, 4: 1}


def test_an_even_plane_has_no_middle() -> None:
    with pytest.raises(ValueError, match="4 x 4 cells have no middle"):
        grid_centrality(np.zeros((4, 4), dtype=np.int64))


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_turning_and_renaming_a_plane_keeps_its_borders(seed: int, count: int) -> None:
    classes = np.random.default_rng(seed).integers(0, count, (5, 5))
    grid = grid_centrality(classes)
    assert set(grid.borders) == set(classes.flat)
    assert all(
        0 <= borders < len(grid.borders) or borders == 0 for borders in grid.borders.values()
    )
    for same in (classes.T, np.rot90(classes), classes[::-1]):
        assert grid_centrality(same) == grid
    renamed = grid_centrality(classes + 10)
    assert renamed.borders == {name + 10: number for name, number in grid.borders.items()}

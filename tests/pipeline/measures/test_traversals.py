"""Traversals, with a decoder whose pixels are the code."""

import numpy as np
import torch

from pipeline.measures.traversals import MOST, measure, most_active, traverse
from tests.pipeline.evaluation.subjects import evaluated
from tests.pipeline.known import code_as_pixels

LABELS = torch.arange(3).repeat_interleave(2)


def test_the_most_active_dimensions_come_first() -> None:
    assert most_active(torch.tensor([0.1, 0.0, 0.9, 0.9, 0.5])).tolist() == [2, 3, 4, 0, 1]
    assert most_active(torch.arange(20.0)).tolist() == [19, 18, 17, 16, 15, 14, 13, 12]
    assert MOST == 8


def test_one_dimension_is_set_and_the_others_stay() -> None:
    codes = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    changed = traverse(codes, np.array([2, 0]), np.array([-1.0, 7.0], dtype=np.float32))
    assert changed.tolist() == [
        [[[1, 2, -1], [1, 2, 7]], [[-1, 2, 3], [7, 2, 3]]],
        [[[4, 5, -1], [4, 5, 7]], [[-1, 5, 6], [7, 5, 6]]],
    ]
    assert codes.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_all_arrays_are_of_the_same_codes() -> None:
    # A wider and wider spread, so that the last dimension is the most active.
    mu = torch.randn(6, 1, generator=torch.Generator().manual_seed(0)) * torch.arange(10.0)
    numbers, arrays = measure(evaluated(code_as_pixels(10), mu, LABELS))
    assert numbers == {}
    assert {name: (array.shape, array.dtype.name) for name, array in arrays.items()} == {
        "traversal_dims": ((8,), "int64"),
        "traversal_axis": ((15,), "float32"),
        "traversal_bases": ((3,), "int64"),
        "traversal_base_codes": ((3, 10), "float32"),
        "traversals": ((3, 8, 15, 1, 10), "uint8"),
    }
    assert arrays["traversal_dims"].tolist() == [9, 8, 7, 6, 5, 4, 3, 2]
    axis, codes = arrays["traversal_axis"], arrays["traversal_base_codes"]
    assert [axis[0], axis[7], axis[14]] == [-2.5, 0, 2.5]
    assert np.allclose(np.diff(axis), 5 / 14)
    np.testing.assert_array_equal(codes, mu.numpy()[arrays["traversal_bases"]])
    for base, place, point in np.ndindex(3, 8, 15):
        code = codes[base].copy()
        code[9 - place] = axis[point]
        expected = np.clip(0.5 + 0.1 * code.astype(np.float64), 0, 1) * 255
        seen = arrays["traversals"][base, place, point, 0]
        assert np.abs(seen - expected).max() <= 0.5 + 1e-4


def test_bases_are_one_of_each_class_and_the_same_for_every_model() -> None:
    small, large = (
        measure(evaluated(code_as_pixels(d), torch.zeros(6, d), LABELS, seed=4))[1] for d in (3, 12)
    )
    assert LABELS[small["traversal_bases"]].tolist() == [0, 1, 2]
    assert small["traversal_bases"].tolist() == large["traversal_bases"].tolist()
    assert (small["traversals"].shape[1], large["traversals"].shape[1]) == (3, 8)


def test_a_plane_needs_none() -> None:
    assert measure(evaluated(code_as_pixels(2), torch.zeros(6, 2), LABELS)) == ({}, {})

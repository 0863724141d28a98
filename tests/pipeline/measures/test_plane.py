"""The decoded plane, with a decoder whose pixels are the code."""

import numpy as np
import pytest
import torch

from pipeline.measures.plane import measure
from tests.pipeline.evaluation.subjects import evaluated
from tests.pipeline.known import code_as_pixels


def test_the_plane_of_a_known_decoder() -> None:
    numbers, arrays = measure(evaluated(code_as_pixels(2), torch.zeros(4, 2), grid_size=5))
    axis = [-1.5, -0.75, 0, 0.75, 1.5]
    assert arrays["latent_grid_axis"].tolist() == axis
    assert arrays["latent_grid"].shape == (5, 5, 1, 2)
    assert arrays["latent_grid"].dtype == np.uint8
    bytes_of = [round(255 * (0.5 + 0.1 * z)) for z in axis]
    assert arrays["latent_grid"][1, :, 0, 0].tolist() == bytes_of, "z1 rises along a row"
    assert arrays["latent_grid"][:, 1, 0, 1].tolist() == bytes_of, "z2 rises along a column"
    # The distance of two cells is that of their places.
    places = np.stack(np.mgrid[:5, :5], axis=-1).reshape(-1, 2)
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert numbers["grid_continuity"] == pytest.approx(25 * 24 / distances.sum(), rel=1e-4)


def test_other_latent_sizes_have_no_plane() -> None:
    assert measure(evaluated(code_as_pixels(3), torch.zeros(4, 3))) == ({}, {})

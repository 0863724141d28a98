"""What is shown of a model, with a decoder whose pixels are the code."""

import numpy as np
import torch

from pipeline.evaluation.measures.pictures import measure
from pipeline.schemas.arrays import Arrays
from tests.pipeline.evaluation.subjects import evaluated
from tests.pipeline.known import code_as_pixels

LABELS = torch.arange(40) % 4
SHOWN = ("originals", "inputs", "labels_shown", "interpolation_originals", "interpolation_labels")


def draw(dims: int) -> Arrays:
    random = torch.Generator().manual_seed(0)
    grey = torch.randint(0, 256, (40, 1, 6), generator=random).byte()
    images = (grey > 127).float().unsqueeze(1)
    mu = torch.randn(40, dims, generator=random)
    numbers, arrays = measure(
        evaluated(
            code_as_pixels(dims), mu, LABELS, grey=grey, images=images, reconstructions=images
        )
    )
    assert numbers == {}
    return arrays


def test_all_pictures_have_their_shapes() -> None:
    arrays = draw(2)
    assert {name: array.shape for name, array in arrays.items()} == {
        "originals": (10, 1, 6),
        "inputs": (10, 1, 6),
        "labels_shown": (10,),
        "reconstructions": (10, 1, 2),
        "samples": (9, 1, 2),
        "interpolations": (2, 11, 1, 2),
        "interpolation_codes": (2, 11, 2),
        "interpolation_originals": (2, 2, 1, 6),
        "interpolation_labels": (2, 2),
    }
    assert set(np.unique(arrays["inputs"])) == {0, 255}
    pictures = ("originals", "reconstructions", "samples", "interpolations")
    assert all(arrays[name].dtype == np.uint8 for name in pictures)


def test_paths_are_decoded_from_their_codes() -> None:
    arrays = draw(5)
    codes = arrays["interpolation_codes"]
    expected = np.clip(0.5 + 0.1 * codes.astype(np.float64), 0, 1) * 255
    assert np.abs(arrays["interpolations"][:, :, 0] - expected).max() <= 0.5 + 1e-4
    np.testing.assert_allclose(np.diff(codes, 2, axis=1), 0, atol=1e-6)
    assert (arrays["interpolation_labels"][:, 0] != arrays["interpolation_labels"][:, 1]).all()


def test_other_models_show_the_same_images() -> None:
    two, five = draw(2), draw(5)
    for name in SHOWN:
        assert np.array_equal(two[name], five[name])

"""What is shown of a model, with a decoder whose pixels are the code."""

import numpy as np
import torch

from pipeline.measures.pictures import draw_pictures, judge_pictures
from pipeline.schemas.arrays import Arrays
from tests.pipeline.evaluation.subjects import evaluated
from tests.pipeline.judge.known_judge import judged, pixels_of
from tests.pipeline.known import code_as_pixels

LABELS = torch.arange(40) % 4
SHOWN = ("originals", "inputs", "labels_shown", "interpolation_originals", "interpolation_labels")


def draw(dims: int) -> Arrays:
    random = torch.Generator().manual_seed(0)
    grey = torch.randint(0, 256, (40, 1, 6), generator=random).byte()
    images = (grey > 127).float().unsqueeze(1)
    mu = torch.randn(40, dims, generator=random)
    subject = evaluated(
        code_as_pixels(dims), mu, LABELS, grey=grey, images=images, reconstructions=images
    )
    return draw_pictures(subject)


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


def test_shown_pictures_are_judged_as_they_are_shown() -> None:
    """Pixel 0 of a shown byte says the class, pixel 1 how sure the judge is."""
    model = pixels_of([[0.3, 0.0], [0.0, 0.2]], [0.5, 0.7])
    mu = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    subject = judged(evaluated(model, mu, samples=torch.rand(3, 1, 1, 2)))
    shown = draw_pictures(subject)
    arrays = judge_pictures(subject.context.judge, shown)
    for name in ("samples", "interpolations"):
        left, right = np.moveaxis(shown[name][..., 0, :] / np.float32(255), -1, 0)
        classes = (left > 0.3).astype(int) + (left > 0.7)
        np.testing.assert_array_equal(arrays[f"{name}_classes"], classes)
        sure = np.clip(right, 0.4, 1)
        np.testing.assert_allclose(arrays[f"{name}_confidence"], sure, rtol=1e-6)
    assert set(arrays) == {
        "samples_classes",
        "samples_confidence",
        "interpolations_classes",
        "interpolations_confidence",
    }
    assert len(np.unique(arrays["interpolations_classes"])) > 1, "a case that shows nothing"

"""The judge's opinion of the pictures that are shown."""

import numpy as np
import torch

from pipeline.evaluation.measures.pictures import draw_pictures
from pipeline.judge.measures.opinions import measure
from tests.pipeline.evaluation.subjects import evaluated
from tests.pipeline.judge.known_judge import judged, pixels_of


def test_shown_pictures_are_judged_as_they_are_shown() -> None:
    """Pixel 0 of a shown byte says the class, pixel 1 how sure the judge is."""
    model = pixels_of([[0.3, 0.0], [0.0, 0.2]], [0.5, 0.7])
    mu = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    subject = judged(evaluated(model, mu, samples=torch.rand(3, 1, 1, 2)))
    numbers, arrays = measure(subject)
    assert numbers == {}
    shown = draw_pictures(subject)
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

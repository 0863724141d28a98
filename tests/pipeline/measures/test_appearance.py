"""Sharpness and contrast as measures: which images each number is of."""

import pytest
import torch

from pipeline.measures.appearance import measure
from tests.pipeline.evaluation.subjects import evaluated
from tests.pipeline.known import code_as_pixels

REAL = torch.randint(0, 256, (6, 8, 10), generator=torch.Generator().manual_seed(0)).byte()


def test_samples_reconstructions_and_data_have_their_own_numbers() -> None:
    real = REAL.unsqueeze(1).float() / 255
    grey, flat = 0.5 * real + 0.25, torch.full_like(real, 0.5)
    subject = evaluated(
        code_as_pixels(2), torch.zeros(6, 2), grey=REAL, samples=flat, reconstructions=grey
    )
    numbers, arrays = measure(subject)
    assert arrays == {}
    assert numbers["sharpness"] == 0
    assert numbers["reconstruction_sharpness"] == pytest.approx(0.5, rel=1e-4)
    assert numbers["contrast"] == 0
    assert numbers["contrast_data"] == pytest.approx(0.2, abs=0.05)  # of uniform noise

    numbers, _ = measure(evaluated(code_as_pixels(2), torch.zeros(6, 2), grey=REAL, samples=real))
    assert numbers["sharpness"] == 1
    assert numbers["contrast"] == numbers["contrast_data"]

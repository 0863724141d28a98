"""Samples before a judge whose opinions are known."""

import math

import pytest
import torch
from torch import Tensor

from pipeline.evaluation.evaluated_model import Numbers
from pipeline.measures.samples import measure
from pipeline.models import VAE
from pipeline.numerics.hardware import seeded_generator
from tests.pipeline.evaluation.subjects import evaluate_settings, evaluated
from tests.pipeline.judge.known_judge import judged, pixels_of


def measured(model: VAE, features: Tensor | None = None) -> Numbers:
    subject = judged(evaluated(model, torch.zeros(4, model.latent_dim)), features)
    numbers, arrays = measure(subject)
    assert arrays == {}
    return numbers


def test_a_model_that_draws_the_data_is_at_the_floor() -> None:
    """Real images are drawn from the model's own distribution; none has one class only."""
    model = pixels_of([[0.1, 0.0, 0.0], [0.0, 0.05, 0.0]], [0.5, 0.8])
    real = model.sample(500, torch.Generator().manual_seed(7)).flatten(1)
    numbers = measured(model, real)
    assert 0 <= numbers["frechet_distance"] < 1e-3
    assert abs(numbers["kernel_distance"]) < 3 * numbers["kernel_distance_error"]
    for name in ("precision", "recall", "coverage"):
        assert numbers[name] > 0.9
    assert numbers["density"] == pytest.approx(1, abs=0.1)
    assert numbers["confidence"] == pytest.approx(0.8, abs=0.01)
    assert numbers["low_confidence"] < 0.01  # 0.62 is 3.6 standard deviations below 0.8
    assert numbers["class_entropy"] < math.log(3)


def test_the_share_of_low_confidence_of_a_known_decoder() -> None:
    """Pixel 1, how sure the judge is, is 0.62 + 0.1 z2: half of the prior lies below 0.62."""
    numbers = measured(pixels_of([[0.1, 0.0], [0.0, 0.1]], [0.5, 0.62]))
    generator = seeded_generator(evaluate_settings().seed, "samples")
    codes = torch.randn(640, 2, generator=generator)
    assert numbers["low_confidence"] == pytest.approx(float((codes[:, 1] < 0).float().mean()))
    assert numbers["low_confidence"] == pytest.approx(0.5, abs=0.06)


def test_a_model_that_draws_one_image_shows_it() -> None:
    model = pixels_of([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], [0.0, 1.0])
    random = torch.Generator().manual_seed(0)
    numbers = measured(model, torch.rand(500, 2, generator=random))
    assert numbers["class_entropy"] == 0
    assert numbers["confidence"] == 1
    assert numbers["low_confidence"] == 0
    assert numbers["recall"] == 0
    assert numbers["coverage"] < 0.1


def test_the_same_seed_gives_the_same_numbers() -> None:
    model = pixels_of([[0.1, 0.0], [0.0, 0.1]], [0.5, 0.5])
    features = torch.eye(2).repeat(9, 1)
    assert measured(model, features) == measured(model, features)

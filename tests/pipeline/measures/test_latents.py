"""What the codes say, for a model whose code is pixel 0, a hundred times over."""

import math

import pytest
import torch

from pipeline.measures.latents import measure
from tests.pipeline.evaluation.subjects import evaluated, split_of
from tests.pipeline.known import affine_posterior


def test_codes_that_lie_apart_say_which_image_and_which_class_it_was() -> None:
    model = affine_posterior(torch.tensor([[100.0, 0.0], [0.0, 0.0]]))
    grey = torch.tensor([0, 51, 204, 255], dtype=torch.uint8).view(4, 1, 1).expand(4, 2, 2)
    labels = torch.tensor([0, 0, 1, 1])
    mu = torch.tensor([[0.0], [20.0], [80.0], [100.0]])
    train = split_of(grey.repeat(5, 1, 1), labels.repeat(5))
    numbers, arrays = measure(evaluated(model, mu, labels, grey=grey, train=train))
    assert arrays == {}
    assert numbers["mutual_information"] == pytest.approx(math.log(4), abs=1e-9)
    assert numbers["mutual_information_ceiling"] == math.log(4)
    kl = float((mu**2).mean()) / 2
    assert numbers["marginal_kl"] == pytest.approx(kl - math.log(4))
    assert numbers["latent_accuracy"] == 1
    assert (numbers["active_units_0.001"], numbers["active_units_0.1"]) == (1, 1)


def test_units_are_counted_at_two_more_thresholds() -> None:
    mu = torch.tensor([[-1.0, -0.2, -0.05], [1.0, 0.2, 0.05]])  # variances 1, 0.04 and 0.0025
    model = affine_posterior(torch.zeros(6, 2))
    grey = torch.zeros(2, 2, 2, dtype=torch.uint8)
    numbers, _ = measure(evaluated(model, mu, grey=grey))
    assert (numbers["active_units_0.001"], numbers["active_units_0.1"]) == (3, 1)

"""The ELBO and its terms, against models whose answers are known."""

import numpy as np
import pytest
import torch

from pipeline.evaluation.bound import estimate_bound
from pipeline.measures.bound import measure, summarise
from tests.pipeline.evaluation.subjects import evaluated
from tests.pipeline.known import affine_posterior, code_as_pixels

IMAGES = torch.tensor([0.0, 1.0, 0.0, 1.0]).view(4, 1, 1, 1).expand(4, 1, 2, 2).contiguous()


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_all_terms_of_a_known_model_are_exact() -> None:
    """Dimension 0 has mu = 2 x - 1 and variance 1: KL 1/2 each. Dimension 1 is the prior."""
    model = affine_posterior(torch.tensor([[2.0, -1.0], [0, 0], [0, 0], [0, 0]]))
    measured = estimate_bound(model, IMAGES, 3, generator(), batch_size=3)
    metrics = summarise(measured)
    assert metrics["kl_per_dim"] == [0.5, 0]
    assert metrics["kl"] == pytest.approx(0.5)
    assert metrics["reconstruction"] == pytest.approx(4 * 0.6931472)  # 4 pixels at p = 1/2
    assert metrics["elbo"] == pytest.approx(-(0.5 + 4 * 0.6931472))
    assert metrics["active_units"] == 1
    assert metrics["collapsed"] is False
    assert measured.mu_variance.tolist() == [1, 0]


def test_a_model_whose_code_says_nothing_is_collapsed() -> None:
    model = affine_posterior(torch.zeros(4, 2))
    metrics = summarise(estimate_bound(model, IMAGES, 1, generator(), batch_size=4))
    assert metrics["active_units"] == 0
    assert metrics["collapsed"] is True


def test_a_tiny_rate_is_collapsed_however_many_units_move() -> None:
    model = affine_posterior(torch.tensor([[0.4, -0.2], [0, 0]]))  # KL 0.02, variance 0.04
    metrics = summarise(estimate_bound(model, IMAGES, 1, generator(), batch_size=4))
    assert metrics["active_units"] == 1
    assert metrics["collapsed"] is True


def test_dead_dimensions_are_not_active() -> None:
    """Dimensions 0 and 2 follow the image, 1 and 3 do not."""
    rows = [[2.0, -1.0], [0, 3.0], [0.5, 0], [0, 0]]
    model = affine_posterior(torch.tensor(rows + [[0, 0]] * 4))
    measured = estimate_bound(model, IMAGES, 1, generator(), batch_size=4)
    assert summarise(measured)["active_units"] == 2
    assert (measured.mu_variance > 0).tolist() == [True, False, True, False]


def test_the_values_of_every_image_are_kept() -> None:
    mu, log_var = torch.tensor([[3.0, 0.0], [1.0, 0.0]]), torch.zeros(2, 2)
    numbers, arrays = measure(
        evaluated(
            code_as_pixels(2),
            mu,
            torch.tensor([7, 5]),
            log_var=log_var,
            reconstruction=torch.tensor([10.0, 20.0]),
        )
    )
    expected = {
        "mu": mu,
        "log_var": log_var,
        "labels": [7, 5],
        "mu_variance": [1, 0],
        "kl_per_dim": [2.5, 0],
        "elbo": [-14.5, -20.5],
        "reconstruction": [10, 20],
        "kl": [4.5, 0.5],
    }
    assert set(arrays) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(arrays[name], values)
    assert (numbers["elbo"], numbers["reconstruction"], numbers["kl"]) == (-17.5, 15, 2.5)

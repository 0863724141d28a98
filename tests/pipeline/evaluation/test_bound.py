"""The numbers of a run, against models whose answers are known."""

import math

import pytest
import torch
from torch import Tensor, nn

from pipeline.evaluation.bound import measure, summarise
from pipeline.models import VAE
from pipeline.models.elbo import bound
from tests.pipeline.known import linear_gaussian


def known_model(posterior: Tensor) -> VAE:
    """2 x 2 pixels, Bernoulli; the code is an affine map of pixel 0, the decoder ignores it.

    Args:
        posterior: (2d, 2), slope and offset of each of mu and log_var.
    """
    size = len(posterior)
    encoder = nn.Linear(4, size)
    encoder.weight.data = torch.zeros(size, 4)
    encoder.weight.data[:, 0] = posterior[:, 0]
    encoder.bias.data = posterior[:, 1]
    decoder = nn.Linear(size // 2, 4)
    decoder.weight.data.zero_()
    decoder.bias.data.zero_()
    return VAE(
        nn.Sequential(nn.Flatten(), encoder),
        nn.Sequential(decoder, nn.Unflatten(1, (1, 2, 2))),
        size // 2,
        "bernoulli",
        "learned",
    ).eval()


IMAGES = torch.tensor([0.0, 1.0, 0.0, 1.0]).view(4, 1, 1, 1).expand(4, 1, 2, 2).contiguous()


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_all_terms_of_a_known_model_are_exact() -> None:
    """Dimension 0 has mu = 2 x - 1 and variance 1: KL 1/2 each. Dimension 1 is the prior."""
    model = known_model(torch.tensor([[2.0, -1.0], [0, 0], [0, 0], [0, 0]]))
    measured = measure(model, IMAGES, 3, generator(), batch_size=3)
    metrics = summarise(measured)
    assert metrics["kl_per_dim"] == [0.5, 0]
    assert metrics["kl"] == pytest.approx(0.5)
    assert metrics["reconstruction"] == pytest.approx(4 * 0.6931472)  # 4 pixels at p = 1/2
    assert metrics["elbo"] == pytest.approx(-(0.5 + 4 * 0.6931472))
    assert metrics["active_units"] == 1
    assert metrics["collapsed"] is False
    assert measured.mu_variance.tolist() == [1, 0]


def test_a_model_whose_code_says_nothing_is_collapsed() -> None:
    model = known_model(torch.zeros(4, 2))
    metrics = summarise(measure(model, IMAGES, 1, generator(), batch_size=4))
    assert metrics["active_units"] == 0
    assert metrics["collapsed"] is True


def test_a_tiny_rate_is_collapsed_however_many_units_move() -> None:
    model = known_model(torch.tensor([[0.4, -0.2], [0, 0]]))  # KL 0.02, variance 0.04
    metrics = summarise(measure(model, IMAGES, 1, generator(), batch_size=4))
    assert metrics["active_units"] == 1
    assert metrics["collapsed"] is True


def test_dead_dimensions_are_not_active() -> None:
    """Dimensions 0 and 2 follow the image, 1 and 3 do not."""
    rows = [[2.0, -1.0], [0, 3.0], [0.5, 0], [0, 0]]
    model = known_model(torch.tensor(rows + [[0, 0]] * 4))
    measured = measure(model, IMAGES, 1, generator(), batch_size=4)
    assert summarise(measured)["active_units"] == 2
    assert (measured.mu_variance > 0).tolist() == [True, False, True, False]


def test_the_monte_carlo_error_is_the_spread_of_repeated_estimates() -> None:
    model, x = linear_gaussian(widened=0.5), torch.rand(10, 1, 2, 2)
    repeats = [
        measure(model, x, 8, torch.Generator().manual_seed(seed), batch_size=10)
        for seed in range(300)
    ]
    spread = float(torch.stack([one.elbo.mean() for one in repeats]).std())
    errors = [one.elbo_mc_error for one in repeats]
    assert sum(errors) / len(errors) == pytest.approx(spread, rel=0.15)


def test_one_draw_has_no_known_error() -> None:
    measured = measure(known_model(torch.zeros(2, 2)), IMAGES, 1, generator(), batch_size=4)
    assert math.isnan(measured.elbo_mc_error)


def test_the_batch_size_changes_no_number() -> None:
    torch.manual_seed(0)
    model = known_model(torch.randn(4, 2))
    model.decoder[0].weight.data.normal_()  # type: ignore[index, operator]
    x = torch.rand(10, 1, 2, 2)
    whole = measure(model, x, 4, generator(), batch_size=100)
    parts = measure(model, x, 4, generator(), batch_size=3)
    torch.testing.assert_close(whole.elbo, parts.elbo)
    torch.testing.assert_close(whole.mu, parts.mu)


def test_the_estimate_is_the_mean_of_one_sample_bounds() -> None:
    torch.manual_seed(0)
    model = known_model(torch.randn(4, 2))
    model.decoder[0].weight.data.normal_()  # type: ignore[index, operator]
    x = torch.rand(5, 1, 2, 2)
    measured = measure(model, x, 3, generator(), batch_size=5)
    noise = torch.randn(3, 5, 2, generator=generator())
    with torch.no_grad():
        expected = torch.stack([bound(model, x, eps).elbo for eps in noise]).mean(0)
    torch.testing.assert_close(measured.elbo, expected)

"""The numbers of a run, against models whose answers are known."""

import math

import pytest
import torch

from pipeline.evaluation.bound import estimate_bound
from pipeline.models.elbo import bound
from tests.pipeline.known import affine_posterior, linear_gaussian

IMAGES = torch.tensor([0.0, 1.0, 0.0, 1.0]).view(4, 1, 1, 1).expand(4, 1, 2, 2).contiguous()


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_monte_carlo_error_is_the_spread_of_repeated_estimates() -> None:
    model, x = linear_gaussian(widened=0.5), torch.rand(10, 1, 2, 2)
    repeats = [
        estimate_bound(model, x, 8, torch.Generator().manual_seed(seed), batch_size=10)
        for seed in range(300)
    ]
    spread = float(torch.stack([one.elbo.mean() for one in repeats]).std())
    errors = [one.elbo_mc_error for one in repeats]
    assert sum(errors) / len(errors) == pytest.approx(spread, rel=0.15)


def test_one_draw_has_no_known_error() -> None:
    measured = estimate_bound(
        affine_posterior(torch.zeros(2, 2)), IMAGES, 1, generator(), batch_size=4
    )
    assert math.isnan(measured.elbo_mc_error)


def test_the_batch_size_changes_no_number() -> None:
    torch.manual_seed(0)
    model = affine_posterior(torch.randn(4, 2))
    model.decoder[0].weight.data.normal_()  # type: ignore[index, operator]
    x = torch.rand(10, 1, 2, 2)
    whole = estimate_bound(model, x, 4, generator(), batch_size=100)
    parts = estimate_bound(model, x, 4, generator(), batch_size=3)
    torch.testing.assert_close(whole.elbo, parts.elbo)
    torch.testing.assert_close(whole.mu, parts.mu)


def test_the_estimate_is_the_mean_of_one_sample_bounds() -> None:
    torch.manual_seed(0)
    model = affine_posterior(torch.randn(4, 2))
    model.decoder[0].weight.data.normal_()  # type: ignore[index, operator]
    x = torch.rand(5, 1, 2, 2)
    measured = estimate_bound(model, x, 3, generator(), batch_size=5)
    noise = torch.randn(3, 5, 2, generator=generator())
    with torch.no_grad():
        expected = torch.stack([bound(model, x, eps).elbo for eps in noise]).mean(0)
    torch.testing.assert_close(measured.elbo, expected)

"""Simulated images: the right distribution, and codes that belong to them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pipeline.evaluation.simulation import continuous_bernoulli_quantile, simulate
from pipeline.models import VAE
from pipeline.models.likelihoods import OBSERVATIONS, continuous_bernoulli_mean
from pipeline.settings import Likelihood


def constant_model(likelihood: Likelihood, logits: list[float]) -> VAE:
    """Pixels whose distribution does not depend on the code."""
    decoder = nn.Linear(1, len(logits))
    decoder.weight.data.zero_()
    decoder.bias.data = torch.tensor(logits)
    unflatten = nn.Unflatten(1, (1, 1, len(logits)))
    return VAE(nn.Identity(), nn.Sequential(decoder, unflatten), 1, likelihood, 0.5)


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous-bernoulli", "gaussian"])
def test_pixels_have_their_mean(likelihood: Likelihood) -> None:
    logits = [-3.0, -0.01, 0.0, 0.5, 30.0]
    x, z = simulate(constant_model(likelihood, logits), 20_000, torch.Generator().manual_seed(0))
    assert x.shape == (20_000, 1, 1, 5)
    assert z.shape == (20_000, 1)
    expected = OBSERVATIONS[likelihood].mean(torch.tensor(logits))
    torch.testing.assert_close(x.mean((0, 1, 2)), expected, atol=0.02, rtol=0)
    if likelihood == "bernoulli":
        assert set(x.unique().tolist()) == {0, 1}
    if likelihood == "gaussian":
        assert x.std(0).flatten().tolist() == pytest.approx([0.5] * 5, abs=0.02)


def test_a_code_explains_its_image() -> None:
    model = constant_model("gaussian", [0.0])
    model.decoder[0].weight.data.fill_(10)  # type: ignore[index, operator]
    x, z = simulate(model, 1000, torch.Generator().manual_seed(0))
    residual = x.flatten(1) - 10 * z
    assert residual.std().item() == pytest.approx(0.5, abs=0.05)


@given(st.floats(0, 1), st.floats(-100, 100))
def test_the_quantile_inverts_the_distribution_function(u: float, logit: float) -> None:
    level = torch.tensor(u, dtype=torch.float64)
    slope = torch.tensor(logit, dtype=torch.float64)
    x = continuous_bernoulli_quantile(level, slope)
    assert 0 <= x.item() <= 1
    # F(x) = (e^(l x) - 1) / (e^l - 1), which is x in the limit of l = 0.
    flat = slope.abs() < 1e-9
    back = x if flat else torch.expm1(slope * x) / torch.expm1(slope)
    assert back.item() == pytest.approx(u, abs=1e-6)


@given(st.floats(-60, 60))
def test_the_mean_of_all_quantiles_is_the_mean(logit: float) -> None:
    levels = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    slope = torch.full_like(levels, logit)
    mean = continuous_bernoulli_quantile(levels, slope).mean()
    assert mean.item() == pytest.approx(continuous_bernoulli_mean(slope[:1]).item(), abs=1e-3)

"""Likelihoods against torch.distributions, and the continuous Bernoulli against integrals."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from pipeline.models.likelihoods import OBSERVATIONS, continuous_bernoulli_mean, log_normaliser

LOGITS = torch.linspace(-6, 6, 48).view(2, 1, 4, 6)
GREY = torch.rand(2, 1, 4, 6, generator=torch.Generator().manual_seed(0))
NO_SCALE = torch.tensor(0.0)


def per_image(log_prob: torch.Tensor) -> torch.Tensor:
    return log_prob.flatten(1).sum(1)


def test_bernoulli_equals_torchs() -> None:
    x = (GREY > 0.5).float()
    expected = per_image(torch.distributions.Bernoulli(logits=LOGITS).log_prob(x))
    torch.testing.assert_close(OBSERVATIONS["bernoulli"].log_prob(LOGITS, x, NO_SCALE), expected)


@pytest.mark.parametrize("shape", [(28, 28), (7, 9), (1, 1)])
def test_the_bernoulli_without_gradients_equals_that_with_gradients(
    shape: tuple[int, int],
) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = 40 * torch.randn(3, 5, 1, *shape, generator=generator)  # up to 150: far from 0 and 1
    x = torch.rand(3, 1, 1, *shape, generator=generator)
    double = logits.double()
    exact = (x * double - torch.nn.functional.softplus(double, threshold=1e3)).flatten(2).sum(2)
    log_prob = OBSERVATIONS["bernoulli"].log_prob
    evaluated = log_prob(logits, x, NO_SCALE)
    trained = log_prob(logits.requires_grad_(), x, NO_SCALE)
    torch.testing.assert_close(evaluated.double(), exact, rtol=1e-6, atol=1e-3)
    torch.testing.assert_close(trained.double(), exact, rtol=1e-6, atol=1e-3)
    assert trained.requires_grad


def test_continuous_bernoulli_equals_torchs() -> None:
    expected = per_image(torch.distributions.ContinuousBernoulli(logits=LOGITS).log_prob(GREY))
    found = OBSERVATIONS["continuous-bernoulli"].log_prob(LOGITS, GREY, NO_SCALE)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)


def test_gaussian_equals_torchs() -> None:
    scale = torch.tensor(0.3)
    expected = per_image(torch.distributions.Normal(LOGITS, scale).log_prob(GREY))
    found = OBSERVATIONS["gaussian"].log_prob(LOGITS, GREY, scale.log())
    torch.testing.assert_close(found, expected)


@given(st.floats(-80, 80))
def test_the_normaliser_yields_a_density(logit: float) -> None:
    """C(p) p^x (1-p)^(1-x) integrates to 1, even near p = 1/2."""
    log_c = log_normaliser(torch.tensor(logit, dtype=torch.float64)).item()
    log_odds_at_0 = -np.logaddexp(0, logit)
    mass, _ = quad(lambda x: math.exp(log_c + logit * x + log_odds_at_0), 0, 1, limit=200)
    assert mass == pytest.approx(1, abs=1e-6)


@given(st.floats(-80, 80))
def test_the_mean_is_that_of_the_density(logit: float) -> None:
    log_c = log_normaliser(torch.tensor(logit, dtype=torch.float64)).item()
    log_odds_at_0 = -np.logaddexp(0, logit)
    mean, _ = quad(lambda x: x * math.exp(log_c + logit * x + log_odds_at_0), 0, 1, limit=200)
    found = continuous_bernoulli_mean(torch.tensor(logit, dtype=torch.float64)).item()
    assert found == pytest.approx(mean, abs=1e-6)


def test_the_normaliser_is_smooth_and_finite_in_float32() -> None:
    logits = torch.linspace(-1, 1, 20_001, requires_grad=True)
    value = log_normaliser(logits)
    value.sum().backward()
    assert logits.grad is not None
    assert value[10_000].item() == pytest.approx(math.log(2))
    assert value.diff().abs().max() < 1e-4
    assert logits.grad.isfinite().all()
    far = torch.tensor([-1e4, 1e4], requires_grad=True)
    log_normaliser(far).sum().backward()
    assert far.grad is not None
    assert far.grad.isfinite().all()


@pytest.mark.parametrize("name", list(OBSERVATIONS))
def test_the_inverse_mean_inverts_the_mean(name: str) -> None:
    observation = OBSERVATIONS[name]  # type: ignore[index]
    means = torch.linspace(0.02, 0.98, 25)
    torch.testing.assert_close(
        observation.mean(observation.inverse_mean(means)), means, rtol=0, atol=1e-4
    )


@pytest.mark.parametrize("name", list(OBSERVATIONS))
def test_black_and_white_pixels_have_finite_logits(name: str) -> None:
    observation = OBSERVATIONS[name]  # type: ignore[index]
    assert observation.inverse_mean(torch.tensor([0.0, 1.0])).isfinite().all()

"""The bound's terms against exact values."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pipeline.elbo import Bound, bound, gaussian_kl, training_loss
from pipeline.models import VAE

VALUES = st.lists(st.floats(-5, 5), min_size=3, max_size=3)


@given(VALUES, VALUES)
def test_kl_is_torchs(mu: list[float], log_var: list[float]) -> None:
    mean, variance = torch.tensor([mu]), torch.tensor([log_var]).exp()
    exact = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, variance.sqrt()), torch.distributions.Normal(0, 1)
    )
    found = gaussian_kl(mean, torch.tensor([log_var]))
    torch.testing.assert_close(found, exact, rtol=1e-4, atol=1e-4)
    assert (found >= 0).all()


def test_kl_of_the_prior_is_0() -> None:
    assert gaussian_kl(torch.zeros(2, 3), torch.zeros(2, 3)).abs().max() == 0


def test_the_signs_and_shapes_are_those_of_the_definitions() -> None:
    terms = Bound(reconstruction=torch.tensor([3.0, 5.0]), kl_per_dim=torch.ones(2, 4))
    assert terms.kl.tolist() == [4, 4]
    assert terms.elbo.tolist() == [-7, -9]
    assert training_loss(terms, beta=0.5, free_bits=0).tolist() == [5, 7]


def test_free_bits_charge_each_dimension_for_at_least_so_much() -> None:
    kl_per_dim = torch.tensor([[0.1, 2.0], [0.3, 4.0]])  # batch means 0.2 and 3
    terms = Bound(torch.zeros(2), kl_per_dim)
    assert training_loss(terms, beta=1, free_bits=0.5).tolist() == [3.5, 3.5]
    assert training_loss(terms, beta=2, free_bits=0.1).tolist() == torch.tensor([6.4, 6.4]).tolist()


def linear_gaussian(weight: torch.Tensor, scale: float) -> VAE:
    """p(x|z) = N(W z, s^2 I) of 4 pixels and 2 latents, with the exact posterior as encoder."""
    precision = torch.eye(2) + weight.T @ weight / scale**2
    covariance = precision.inverse()
    encoder = nn.Linear(4, 4)
    encoder.weight.data = torch.cat([covariance @ weight.T / scale**2, torch.zeros(2, 4)])
    encoder.bias.data = torch.cat([torch.zeros(2), covariance.diagonal().log()])
    decoder = nn.Linear(2, 4, bias=False)
    decoder.weight.data = weight
    return VAE(
        nn.Sequential(nn.Flatten(), encoder),
        nn.Sequential(decoder, nn.Unflatten(1, (1, 2, 2))),
        latent_dim=2,
        likelihood="gaussian",
        scale=scale,
    )


def test_the_bound_of_a_linear_gaussian_model_is_its_exact_log_likelihood() -> None:
    """With the exact posterior (diagonal, as W's columns are orthogonal) the ELBO is tight."""
    weight, scale = torch.tensor([[1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [1.0, -1.0]]), 0.5
    model = linear_gaussian(weight, scale)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 1, 2, 2, generator=generator)
    covariance = weight @ weight.T + scale**2 * torch.eye(4)
    exact = torch.distributions.MultivariateNormal(torch.zeros(4), covariance).log_prob(
        x.flatten(1)
    )
    draws = torch.randn(20_000, 6, 2, generator=generator)
    with torch.no_grad():
        estimates = torch.stack([bound(model, x, noise).elbo for noise in draws])
    error = estimates.std(0) / len(draws) ** 0.5
    assert ((estimates.mean(0) - exact).abs() < 5 * error).all()

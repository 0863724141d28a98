"""The terms of the bound against exact values."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.models.elbo import Bound, bound, gaussian_kl, training_loss
from tests.pipeline.known import exact_log_likelihood, linear_gaussian

VALUES = st.lists(st.floats(-5, 5), min_size=3, max_size=3)


@given(VALUES, VALUES)
def test_kl_equals_torchs(mu: list[float], log_var: list[float]) -> None:
    mean, variance = torch.tensor([mu]), torch.tensor([log_var]).exp()
    exact = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, variance.sqrt()), torch.distributions.Normal(0, 1)
    )
    found = gaussian_kl(mean, torch.tensor([log_var]))
    torch.testing.assert_close(found, exact, rtol=1e-4, atol=1e-4)
    assert (found >= 0).all()


def test_kl_of_the_prior_is_zero() -> None:
    assert gaussian_kl(torch.zeros(2, 3), torch.zeros(2, 3)).abs().max() == 0


def test_signs_and_shapes_follow_the_definitions() -> None:
    terms = Bound(reconstruction=torch.tensor([3.0, 5.0]), kl_per_dim=torch.ones(2, 4))
    assert terms.kl.tolist() == [4, 4]
    assert terms.elbo.tolist() == [-7, -9]
    assert training_loss(terms, beta=0.5, free_bits=0).tolist() == [5, 7]


def test_free_bits_are_the_least_cost_of_each_dimension() -> None:
    kl_per_dim = torch.tensor([[0.1, 2.0], [0.3, 4.0]])  # batch means 0.2 and 3
    terms = Bound(torch.zeros(2), kl_per_dim)
    assert training_loss(terms, beta=1, free_bits=0.5).tolist() == [3.5, 3.5]
    assert training_loss(terms, beta=2, free_bits=0.1).tolist() == torch.tensor([6.4, 6.4]).tolist()


def test_the_bound_of_a_linear_gaussian_model_is_its_exact_log_likelihood() -> None:
    """With the exact posterior (diagonal, as W's columns are orthogonal) the ELBO is tight."""
    model = linear_gaussian()
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 1, 2, 2, generator=generator)
    draws = torch.randn(20_000, 6, 2, generator=generator)
    with torch.no_grad():
        elbo = bound(model, x.repeat(len(draws), 1, 1, 1), draws.flatten(0, 1)).elbo
    estimates = elbo.unflatten(0, (len(draws), len(x)))
    error = estimates.std(0) / len(draws) ** 0.5
    assert ((estimates.mean(0) - exact_log_likelihood(x)).abs() < 5 * error).all()

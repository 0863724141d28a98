"""The latent space's numbers, where the answer is known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evaluation.latents import active_units, latent_accuracy, mutual_information
from pipeline.models.elbo import gaussian_kl


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_active_units_count_what_is_above_the_threshold() -> None:
    variances = torch.tensor([0.5, 0.05, 0.005, 0.01])
    assert [active_units(variances, t) for t in (0.001, 0.01, 0.1)] == [4, 2, 1]


@pytest.mark.parametrize("clusters", [2, 10, 100])
def test_codes_that_lie_apart_say_which_image_it_was(clusters: int) -> None:
    mu = torch.zeros(clusters, 3)
    mu[:, 0] = 50.0 * torch.arange(clusters)
    found = mutual_information(mu, torch.zeros(clusters, 3), generator(), draws=1000)
    assert found == pytest.approx(math.log(clusters), abs=1e-9)


def test_images_that_share_a_cluster_cannot_be_told_apart() -> None:
    """12 images in 4 far clusters: log 4, not log 12."""
    mu = 50.0 * torch.arange(4.0).repeat_interleave(3).unsqueeze(1)
    found = mutual_information(mu, torch.zeros(12, 1), generator(), draws=1200)
    assert found == pytest.approx(math.log(4), abs=1e-9)


def test_codes_that_are_the_prior_say_nothing() -> None:
    nothing = torch.zeros(40, 5)
    assert mutual_information(nothing, nothing, generator()) == pytest.approx(0, abs=1e-9)


def test_all_codes_in_one_shifted_gaussian_differ_from_the_prior_by_a_known_amount() -> None:
    """q(z) = N(m, s^2) for every image: the marginal KL is the whole KL."""
    mu, log_var = torch.full((30, 2), 1.5), torch.full((30, 2), math.log(0.25))
    kl = gaussian_kl(mu, log_var).sum(1).mean().item()
    exact = 2 * 0.5 * (1.5**2 + 0.25 - 1 - math.log(0.25))
    assert kl - mutual_information(mu, log_var, generator()) == pytest.approx(exact, abs=1e-5)


def test_an_aggregate_that_is_the_prior_leaves_no_marginal_kl() -> None:
    """z | x ~ N(x, 1 - t) with x ~ N(0, t): q(z) = N(0, 1), and I = -1/2 log(1 - t)."""
    t = 0.6
    x = torch.distributions.Normal(0, 1).icdf((torch.arange(1000) + 0.5) / 1000) * math.sqrt(t)
    mu, log_var = x.unsqueeze(1), torch.full((1000, 1), math.log(1 - t))
    information = mutual_information(mu, log_var, generator())
    kl = gaussian_kl(mu, log_var).sum(1).double().mean().item()
    assert information == pytest.approx(-0.5 * math.log(1 - t), abs=0.03)
    assert kl - information == pytest.approx(0, abs=0.03)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0.1, 3.0), st.floats(-3.0, 0.5))
def test_kl_is_the_sum_of_both_parts(seed: int, width: float, log_var: float) -> None:
    """The marginal KL as the difference is what its own definition gives, within its error."""
    random = torch.Generator().manual_seed(seed)
    mu = width * torch.randn(50, 2, generator=random)
    spread = torch.full((50, 2), log_var)
    information = mutual_information(mu, spread, generator(), draws=20_000)
    assert information + 0.05 >= -1e-9
    assert information <= math.log(50) + 1e-9
    posteriors = torch.distributions.Independent(
        torch.distributions.Normal(mu, (0.5 * spread).exp()), 1
    )
    aggregate = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.ones(50)), posteriors
    )
    z = mu + (0.5 * spread).exp() * torch.randn(400, 50, 2, generator=random)
    prior = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2), 1.0), 1)
    direct = (aggregate.log_prob(z) - prior.log_prob(z)).flatten()
    kl = gaussian_kl(mu, spread).sum(1).mean().item()
    error = 2 * direct.std().item() / len(direct) ** 0.5 + 0.02
    assert kl - information == pytest.approx(direct.mean().item(), abs=4 * error)


def test_chunks_change_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    mu, log_var = torch.randn(30, 4, generator=generator()), -torch.ones(30, 4)
    whole = mutual_information(mu, log_var, generator(), draws=300)
    monkeypatch.setattr("pipeline.evaluation.latents.PAIRS_AT_ONCE", 100)
    assert mutual_information(mu, log_var, generator(), draws=300) == pytest.approx(whole, rel=1e-9)


def test_classes_that_lie_apart_are_told_from_the_codes() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(200) % 4
    centres = np.array([[0, 0], [9, 0], [0, 9], [9, 9]])
    codes = (centres[labels] + random.normal(size=(200, 2))).astype(np.float32)
    assert latent_accuracy(codes[:100], labels[:100], codes[100:], labels[100:]) == 1


def test_codes_of_chance_tell_no_class() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(3000) % 10
    codes = random.normal(size=(3000, 3)).astype(np.float32)
    found = latent_accuracy(codes[:1000], labels[:1000], codes[1000:], labels[1000:])
    assert found == pytest.approx(0.1, abs=0.03)


def test_the_size_of_the_codes_does_not_matter_and_dead_ones_do_no_harm() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(200) % 2
    codes = np.stack([1e-6 * (labels + 0.1 * random.normal(size=200)), np.zeros(200)], axis=1)
    assert latent_accuracy(codes[:100], labels[:100], codes[100:], labels[100:]) == 1

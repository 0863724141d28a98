"""The importance-weighted bound, against models whose likelihood is known exactly."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.iwae import (
    BLOCK,
    bound_from_sums,
    importance_weighted_nll,
    log_weight_sums,
    monte_carlo_error,
)
from tests.pipeline.known import exact_log_likelihood, linear_gaussian

IMAGES = torch.randn(20, 1, 2, 2, generator=torch.Generator().manual_seed(1))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("samples", [1, 7, 64, 100])
def test_with_the_exact_posterior_any_number_of_draws_is_exact(samples: int) -> None:
    nll = importance_weighted_nll(linear_gaussian(), IMAGES, samples, generator(), 100)
    torch.testing.assert_close(nll, -exact_log_likelihood(IMAGES), rtol=1e-5, atol=1e-4)


def test_with_a_wrong_posterior_it_falls_towards_the_exact_value() -> None:
    model = linear_gaussian(widened=1.5)
    sums = log_weight_sums(model, IMAGES, 10_000, generator(), 2000)
    exact = -exact_log_likelihood(IMAGES).double().mean()
    one = importance_weighted_nll(model, IMAGES.repeat(200, 1, 1, 1), 1, generator(1), 4000)
    bounds = [one.mean(), *(bound_from_sums(sums, k).mean() for k in (50, 500, 5000))]
    assert all(larger > smaller for larger, smaller in pairwise(bounds))
    assert bounds[0] - exact > 0.5, "a case that shows nothing"
    assert float(bounds[-1] - exact) == pytest.approx(0, abs=0.002)


@given(st.lists(st.floats(-300, 50), min_size=20, max_size=20))
def test_the_bound_falls_in_k_for_any_weights(logs: list[float]) -> None:
    """A mean of logs over groups rises when groups are joined (Jensen), draw by draw."""
    sums = torch.tensor([logs], dtype=torch.float64) + math.log(BLOCK)
    bounds = [float(bound_from_sums(sums, BLOCK * groups)) for groups in (1, 2, 4, 20)]
    assert all(larger >= smaller - 1e-9 for larger, smaller in pairwise(bounds))


def test_equal_weights_give_their_logarithm_at_every_k() -> None:
    sums = torch.full((3, 10), -100.0 + math.log(BLOCK), dtype=torch.float64)
    for samples in (50, 100, 500):
        assert bound_from_sums(sums, samples).tolist() == pytest.approx([100.0] * 3)
    assert monte_carlo_error(sums) == pytest.approx(0, abs=1e-9)


def test_chunks_change_no_number() -> None:
    model = linear_gaussian(widened=1.0)
    whole = log_weight_sums(model, IMAGES, 130, generator(), 10_000)
    assert whole.shape == (20, 3)
    for batch_size in (1, 50, 170):
        parts = log_weight_sums(model, IMAGES, 130, generator(), batch_size)
        torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-5)


def test_memory_does_not_grow_with_the_draws() -> None:
    """No more than a batch of codes is ever decoded at once."""
    model, seen = linear_gaussian(), []
    model.decoder.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    log_weight_sums(model, IMAGES, 1000, generator(), 200)
    assert max(seen) == 200
    assert sum(seen) == 20 * 1000


def test_the_monte_carlo_error_is_the_spread_of_repeated_estimates() -> None:
    model = linear_gaussian(widened=1.0)
    estimates, errors = [], []
    for seed in range(150):
        sums = log_weight_sums(model, IMAGES, 500, generator(seed), 10_000)
        estimates.append(bound_from_sums(sums, 500).mean())
        errors.append(monte_carlo_error(sums))
    spread = float(torch.stack(estimates).std())
    assert sum(errors) / len(errors) == pytest.approx(spread, rel=0.2)

"""Annealed importance sampling against a model whose likelihood is known: a linear-Gaussian VAE."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pipeline.evaluation.ais import ais_nll, bidirectional, sigmoid_schedule
from pipeline.evaluation.simulation import simulate
from pipeline.models import VAE
from tests.pipeline.known import blind_encoder, exact_nll


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_it_finds_the_exact_likelihood() -> None:
    model = blind_encoder()
    x, _ = simulate(model, 3, generator())
    found = ais_nll(model, x, chains=600, steps=20, generator=generator())
    torch.testing.assert_close(found, exact_nll(model, x), atol=0.1, rtol=0)


@pytest.mark.parametrize("first_step_size", [0.2, 1.0])
def test_few_steps_are_unbiased(first_step_size: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean weight is p(x) however short the path: a wrong transition or weight shows here.

    Large steps are often rejected, which small ones never are.
    """
    monkeypatch.setattr("pipeline.evaluation.ais._START", first_step_size)
    model = blind_encoder()
    x, _ = simulate(model, 1, generator())
    # Each image once a chain, so that each estimate is one weight over p(x), in double precision.
    many = x.expand(4000, 1, 2, 2)
    ratios = (exact_nll(model, many) - ais_nll(model, many, 1, 5, generator(3))).exp()
    error = ratios.std().item() / math.sqrt(len(ratios))
    assert error < 0.03
    assert ratios.mean().item() == pytest.approx(1, abs=4 * error)


def test_both_directions_bound_the_truth() -> None:
    model = blind_encoder()
    short = bidirectional(model, 200, chains=2, steps=4, generator=generator())
    x, _ = simulate(model, 200, generator())  # the same draws: the same images
    exact = exact_nll(model, x).mean().item()
    assert short.lower.mean().item() < exact - 0.05 < exact + 0.05 < short.upper.mean().item()
    longer = bidirectional(model, 200, chains=10, steps=20, generator=generator())
    assert -0.05 < longer.gap < 0.2 < short.gap


def test_the_gap_of_binary_images_closes() -> None:
    model = VAE(
        nn.Identity(),
        nn.Sequential(nn.Linear(2, 16), nn.Unflatten(1, (1, 4, 4))),
        2,
        "bernoulli",
        "learned",
    )
    layer = model.decoder[0]  # type: ignore[index]
    layer.weight.data.normal_(0, 2, generator=generator(5))
    layer.bias.data.zero_()
    gaps = [bidirectional(model, 100, 8, steps, generator()).gap for steps in (2, 20)]
    assert -0.1 < gaps[1] < 0.5 < 1 < gaps[0]  # a chain rounds with the machine


def test_the_model_stays_as_it_was() -> None:
    model = blind_encoder()
    x, _ = simulate(model, 2, generator())
    with torch.no_grad():
        first = ais_nll(model, x, 2, 3, generator())
    assert not first.requires_grad
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert torch.equal(first, ais_nll(model, x, 2, 3, generator()))


@given(st.integers(1, 2000))
def test_a_schedule_rises_from_0_to_1(steps: int) -> None:
    schedule = sigmoid_schedule(steps)
    assert len(schedule) == steps + 1
    assert (schedule[0].item(), schedule[-1].item()) == (0, 1)
    assert (schedule.diff() > 0).all()
    torch.testing.assert_close(schedule + schedule.flip(0), torch.ones_like(schedule))


def test_no_step_is_a_fault() -> None:
    with pytest.raises(ValueError, match="steps = 0 must be at least 1"):
        sigmoid_schedule(0)

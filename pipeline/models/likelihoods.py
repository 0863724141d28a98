"""Likelihoods p(x|z) of an image given the decoder's output: pure functions, per image."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.settings import Likelihood

# For logits closer to 0 than this, the closed forms of the continuous Bernoulli suffer from
# cancellation (0/0 at 0). A Taylor series replaces them; at the boundary both agree to 1e-6 in
# float32.
_NEAR_ZERO = 0.1
FOLDS = 4  # halvings of an image's factors: 28 x 28 is 49 times 2^4


@dataclass(frozen=True, slots=True)
class Observation:
    """One family of likelihoods.

    Attributes:
        log_prob: (logits, x, log_scale) -> log p(x|z), shape (B,), in nats, summed over pixels.
            Arguments are (B, 1, H, W), x in [0, 1]; ``log_scale`` is a scalar. Further leading
            axes are kept and broadcast: logits (B, K, 1, H, W) with x (B, 1, 1, H, W) give (B, K).
        mean: logits -> E[x|z], same shape: the image to show.
        inverse_mean: mean of pixels -> logits, to initialise the decoder's bias from the data.
    """

    log_prob: Callable[[Tensor, Tensor, Tensor], Tensor]
    mean: Callable[[Tensor], Tensor]
    inverse_mean: Callable[[Tensor], Tensor]


def _per_image(pixels: Tensor) -> Tensor:
    """(..., 1, H, W) -> (...)."""
    return pixels.flatten(-3).sum(-1)


def _log_partition(logits: Tensor) -> Tensor:
    """Sum over pixels of softplus(l) = max(l, 0) + log(1 + e^-|l|)."""
    if logits.requires_grad:
        return _per_image(F.softplus(logits))
    # The logs of many pixels are the log of a product, since a logarithm costs as much as ten
    # products. Each factor, 1 / (1 + e^-|l|), is at least 1/2, so a product of 2^FOLDS cannot
    # underflow.
    logits = logits.flatten(-3)
    factors = logits.abs().sigmoid_()
    for _ in range(FOLDS):
        if factors.shape[-1] % 2:
            break
        one, other = factors.chunk(2, dim=-1)
        factors = one * other
    return logits.clamp(min=0).sum(-1).sub_(factors.log_().sum(-1))


def _bernoulli_log_prob(logits: Tensor, x: Tensor, log_scale: Tensor) -> Tensor:
    # log p = x l - softplus(l): one pass, while binary_cross_entropy_with_logits takes three.
    return _per_image(x * logits) - _log_partition(logits)


def _logit(p: Tensor) -> Tensor:
    return torch.logit(p, eps=0.01)


def log_normaliser(logits: Tensor) -> Tensor:
    """Return log C(p) of the continuous Bernoulli, elementwise, for p = sigmoid(logits).

    C(p) = 2 artanh(1 - 2p) / (1 - 2p), and 2 at p = 1/2 (Loaiza-Ganem & Cunningham 2019,
    arXiv 1907.06845, eq. 3). With p = sigmoid(l) this is l / tanh(l / 2), an even function of l.
    """
    near = logits.abs() < _NEAR_ZERO
    safe = torch.where(near, torch.ones_like(logits), logits).abs()
    # log(l / tanh(l/2)) = log l - log(1 - e^-l) + log(1 + e^-l): no overflow at any l.
    exact = safe.log() - torch.log1p(-torch.exp(-safe)) + torch.log1p(torch.exp(-safe))
    series = math.log(2) + logits**2 / 12 - 7 * logits**4 / 1440
    return torch.where(near, series, exact)


def _continuous_bernoulli_log_prob(logits: Tensor, x: Tensor, log_scale: Tensor) -> Tensor:
    return _bernoulli_log_prob(logits, x, log_scale) + _per_image(log_normaliser(logits))


def continuous_bernoulli_mean(logits: Tensor) -> Tensor:
    """Return E[x] of the continuous Bernoulli, 1 / (1 - e^-l) - 1 / l (ibid., eq. 8)."""
    near = logits.abs() < _NEAR_ZERO
    safe = torch.where(near, torch.ones_like(logits), logits)
    exact = -1 / torch.expm1(-safe) - 1 / safe
    series = 0.5 + logits / 12 - logits**3 / 720
    return torch.where(near, series, exact)


def _inverse_continuous_bernoulli_mean(mean: Tensor) -> Tensor:
    """Invert the mean by bisection: it has no closed inverse, and this runs once per model."""
    target = mean.clamp(0.01, 0.99)
    low, high = torch.full_like(target, -200.0), torch.full_like(target, 200.0)
    for _ in range(40):
        middle = (low + high) / 2
        below = continuous_bernoulli_mean(middle) < target
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


def _gaussian_log_prob(logits: Tensor, x: Tensor, log_scale: Tensor) -> Tensor:
    standardised = (x - logits) * torch.exp(-log_scale)
    return _per_image(-0.5 * standardised**2 - log_scale - 0.5 * math.log(2 * math.pi))


OBSERVATIONS: dict[Likelihood, Observation] = {
    "bernoulli": Observation(_bernoulli_log_prob, torch.sigmoid, _logit),
    "continuous-bernoulli": Observation(
        _continuous_bernoulli_log_prob,
        continuous_bernoulli_mean,
        _inverse_continuous_bernoulli_mean,
    ),
    "gaussian": Observation(_gaussian_log_prob, lambda logits: logits, lambda mean: mean),
}

"""Simulate images from a model: z ~ p(z), x ~ p(x|z); each z is a posterior draw for its x."""

from collections.abc import Callable

import torch
from torch import Tensor

from pipeline.models import VAE
from pipeline.settings import Likelihood

Draw = Callable[[Tensor, Tensor, torch.Generator], Tensor]


@torch.no_grad()
def simulate(model: VAE, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Simulate images and return them with their codes.

    Given x, its z is an exact draw from the model's posterior p(z|x), because x and z are drawn
    from their joint distribution.

    Args:
        model: on the CPU.
        count: N, number of images.
        generator: on the CPU; the only source of randomness.

    Returns:
        x (N, 1, H, W), including the likelihood's noise, and z (N, d).
    """
    z = torch.randn(count, model.latent_dim, generator=generator, dtype=model.log_scale.dtype)
    logits = model.decode(z)
    return _DRAWS[model.likelihood](logits, model.log_scale, generator), z


def _bernoulli(logits: Tensor, log_scale: Tensor, generator: torch.Generator) -> Tensor:
    return torch.bernoulli(torch.sigmoid(logits), generator=generator)


def _gaussian(logits: Tensor, log_scale: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(logits.shape, generator=generator, dtype=logits.dtype)
    return logits + log_scale.exp() * noise


def _continuous_bernoulli(logits: Tensor, log_scale: Tensor, generator: torch.Generator) -> Tensor:
    uniform = torch.rand(logits.shape, generator=generator, dtype=logits.dtype)
    return continuous_bernoulli_quantile(uniform, logits)


def continuous_bernoulli_quantile(probability: Tensor, logits: Tensor) -> Tensor:
    """Return the inverse distribution function: log(1 + u (e^l - 1)) / l, and u at l = 0.

    From Loaiza-Ganem & Cunningham 2019 (arXiv 1907.06845), eq. 11, with l the logit of lambda.

    Args:
        probability: u in [0, 1].
        logits: l, same shape.
    """
    # Positive logits use the mirror image, so that no exponential overflows.
    distance = logits.abs()
    mirrored = torch.where(logits > 0, 1 - probability, probability)
    near = distance < 1e-3
    safe = torch.where(near, torch.ones_like(distance), distance)
    exact = -torch.log1p(mirrored * torch.expm1(-safe)) / safe
    # To first order, F(x) = x + l x (x - 1) / 2 and its inverse has the other sign.
    series = mirrored + 0.5 * distance * mirrored * (mirrored - 1)
    quantile = torch.where(near, series, exact).clamp(0, 1)
    return torch.where(logits > 0, 1 - quantile, quantile)


_DRAWS: dict[Likelihood, Draw] = {
    "bernoulli": _bernoulli,
    "continuous-bernoulli": _continuous_bernoulli,
    "gaussian": _gaussian,
}

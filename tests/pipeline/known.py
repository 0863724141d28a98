"""Models with an exactly known likelihood."""

import torch
from torch import Tensor, nn

from pipeline.models import VAE

WEIGHT = torch.tensor([[1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [1.0, -1.0]])  # orthogonal columns
BIAS = torch.tensor([0.5, -0.5, 1.0, 0.0])
SCALE = 0.5


def linear_gaussian(
    weight: Tensor = WEIGHT, scale: float = SCALE, bias: Tensor = BIAS, widened: float = 0.0
) -> VAE:
    """Probabilistic PCA of 4 pixels and 2 latents: p(x|z) = N(W z + b, s^2 I).

    The encoder is the exact posterior, which is diagonal if W's columns are orthogonal.

    Args:
        weight: (4, 2).
        scale: s.
        bias: (4,).
        widened: added to the encoder's log-variances, to make q inexact.
    """
    covariance = (torch.eye(2) + weight.T @ weight / scale**2).inverse()
    project = covariance @ weight.T / scale**2
    encoder = nn.Linear(4, 4)
    encoder.weight.data = torch.cat([project, torch.zeros(2, 4)])
    log_var = covariance.diagonal().log() + widened
    encoder.bias.data = torch.cat([-project @ bias, log_var])
    decoder = nn.Linear(2, 4)
    decoder.weight.data, decoder.bias.data = weight, bias
    return VAE(
        nn.Sequential(nn.Flatten(), encoder),
        nn.Sequential(decoder, nn.Unflatten(1, (1, 2, 2))),
        latent_dim=2,
        likelihood="gaussian",
        scale=scale,
    ).eval()


def exact_log_likelihood(
    images: Tensor, weight: Tensor = WEIGHT, scale: float = SCALE, bias: Tensor = BIAS
) -> Tensor:
    """Return log N(x; b, W W^T + s^2 I): (N,)."""
    covariance = weight @ weight.T + scale**2 * torch.eye(len(weight))
    return torch.distributions.MultivariateNormal(bias, covariance).log_prob(images.flatten(1))

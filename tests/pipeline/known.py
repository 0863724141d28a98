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


def code_as_pixels(dims: int, slope: float = 0.1) -> VAE:
    """Decodes z to a row of pixels 0.5 + slope z; its encoder is of no use."""
    decoder = nn.Linear(dims, dims)
    decoder.weight.data, decoder.bias.data = slope * torch.eye(dims), torch.full((dims,), 0.5)
    body = nn.Sequential(decoder, nn.Unflatten(1, (1, 1, dims)))
    return VAE(nn.Identity(), body, dims, "gaussian", 1.0).eval()


def blind_encoder() -> VAE:
    """x = W z + b + noise of deviation 1, whose encoder knows nothing of it; in float64."""
    decoder = nn.Linear(2, 4)
    decoder.weight.data.normal_(generator=torch.Generator().manual_seed(1))
    decoder.bias.data.normal_(generator=torch.Generator().manual_seed(2))
    return (
        VAE(
            nn.Sequential(nn.Flatten(), nn.Linear(4, 4)),
            nn.Sequential(decoder, nn.Unflatten(1, (1, 2, 2))),
            latent_dim=2,
            likelihood="gaussian",
            scale=1.0,
        )
        .double()
        .eval()
    )


def exact_nll(model: VAE, x: Tensor) -> Tensor:
    """(N,) -log N(x; b, W W^T + I) of ``blind_encoder``: probabilistic PCA."""
    layer = model.decoder[0]  # type: ignore[index]
    weight, bias = layer.weight.detach(), layer.bias.detach()
    covariance = weight @ weight.T + torch.eye(len(weight), dtype=weight.dtype)
    return -torch.distributions.MultivariateNormal(bias, covariance).log_prob(x.flatten(1))


def affine_posterior(posterior: Tensor, shape: tuple[int, int] = (2, 2)) -> VAE:
    """A Bernoulli VAE whose code is an affine map of pixel 0, and whose decoder ignores it.

    Args:
        posterior: (2d, 2), slope and offset of each of mu and log_var.
        shape: (H, W) of the images.
    """
    size, pixels = len(posterior), shape[0] * shape[1]
    encoder = nn.Linear(pixels, size)
    encoder.weight.data = torch.zeros(size, pixels)
    encoder.weight.data[:, 0] = posterior[:, 0]
    encoder.bias.data = posterior[:, 1]
    decoder = nn.Linear(size // 2, pixels)
    decoder.weight.data.zero_()
    decoder.bias.data.zero_()
    return VAE(
        nn.Sequential(nn.Flatten(), encoder),
        nn.Sequential(decoder, nn.Unflatten(1, (1, *shape))),
        size // 2,
        "bernoulli",
        "learned",
    ).eval()

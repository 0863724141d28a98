"""The bound of one run on a measured split, by the project's definitions: pure, in float32.

All values are in nats per image unless a name says otherwise; per-image values have shape (N,).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.models import VAE
from pipeline.models.elbo import gaussian_kl, reparameterise


@dataclass(frozen=True, slots=True, eq=False)
class BoundEstimate:
    """What a model makes of every image of a split.

    Attributes:
        mu: (N, d) posterior means.
        log_var: (N, d) logarithms of the posterior variances.
        draws: (S, N) distortion at each draw of z.
        kl_per_dim: (N, d) rate.
    """

    mu: Tensor
    log_var: Tensor
    draws: Tensor
    kl_per_dim: Tensor

    @property
    def reconstruction(self) -> Tensor:
        """(N,) distortion, averaged over the draws of z."""
        return self.draws.mean(0)

    @property
    def kl(self) -> Tensor:
        """(N,) rate."""
        return self.kl_per_dim.sum(1)

    @property
    def elbo(self) -> Tensor:
        """(N,) -(reconstruction + kl), whatever beta the model was trained with."""
        return -(self.reconstruction + self.kl)

    @property
    def elbo_mc_error(self) -> float:
        """Standard error of the split's mean ELBO over fresh draws of z; NaN for one draw.

        From the spread of the draws: images and draws are independent, and the KL is exact.
        """
        draws, images = self.draws.shape
        if draws < 2:
            return math.nan
        return float((self.draws.double().var(0).sum() / draws).sqrt() / images)

    @property
    def mu_variance(self) -> Tensor:
        """(d,) variance of the posterior mean over the split: a dimension's activity."""
        return self.mu.var(0, correction=0)


@torch.no_grad()
def estimate_bound(
    model: VAE, images: Tensor, latent_samples: int, generator: torch.Generator, batch_size: int
) -> BoundEstimate:
    """The ELBO's terms for every image; the KL is exact, the reconstruction a mean over draws.

    Args:
        model: in eval mode.
        images: (N, 1, H, W) in [0, 1], as the model observes them.
        latent_samples: draws of z an image.
        generator: on the CPU; of the draws.
        batch_size: images at once; bounds the memory, and changes no number beyond rounding.
    """
    # Drawn for the whole split first, so that the batch size does not decide who gets which draw.
    noise = torch.randn(latent_samples, len(images), model.latent_dim, generator=generator)
    mu, log_var = posteriors(model, images, batch_size)
    parts = [part.split(batch_size) for part in (images, mu, log_var)]
    distortions = [
        torch.stack(
            [-model.log_prob(model.decode(reparameterise(mean, spread, draw)), x) for draw in eps]
        )
        for x, mean, spread, eps in zip(*parts, noise.split(batch_size, dim=1), strict=True)
    ]
    return BoundEstimate(mu, log_var, torch.cat(distortions, dim=1), gaussian_kl(mu, log_var))


@torch.no_grad()
def posteriors(model: VAE, images: Tensor, batch_size: int) -> tuple[Tensor, Tensor]:
    """Means and log-variances of q(z|x) of all images, each (N, d)."""
    encoded = [model.encode(x) for x in images.split(batch_size)]
    mus, log_vars = zip(*encoded, strict=True)
    return torch.cat(mus), torch.cat(log_vars)

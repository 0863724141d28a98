"""The ELBO of a model on a split, in float32.

All values are in nats per image unless stated otherwise; per-image values have shape (N,).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.models import VAE
from pipeline.models.elbo import gaussian_kl, reparameterise


@dataclass(frozen=True, slots=True, eq=False)
class BoundEstimate:
    """The posterior and the ELBO's terms for every image of a split.

    Attributes:
        mu: (N, d) posterior means.
        log_var: (N, d) logarithms of the posterior variances.
        draws: (S, N) distortion for each draw of z.
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
        """(N,) -(reconstruction + kl), regardless of the beta used in training."""
        return -(self.reconstruction + self.kl)

    @property
    def elbo_mc_error(self) -> float:
        """Standard error of the split's mean ELBO over new draws of z; NaN for a single draw.

        It is estimated from the spread of the draws: these are independent for each image, and the
        KL is exact.
        """
        draws, images = self.draws.shape
        if draws < 2:
            return math.nan
        return float((self.draws.double().var(0).sum() / draws).sqrt() / images)

    @property
    def mu_variance(self) -> Tensor:
        """(d,) variance of the posterior mean over the split, the activity of a dimension."""
        return self.mu.var(0, correction=0)


@torch.no_grad()
def estimate_bound(
    model: VAE, images: Tensor, latent_samples: int, generator: torch.Generator, batch_size: int
) -> BoundEstimate:
    """Compute every image's ELBO terms: exact KL, and reconstruction averaged over draws.

    Args:
        model: in eval mode.
        images: (N, 1, H, W) in [0, 1], the model inputs.
        latent_samples: number of draws of z per image.
        generator: on the CPU; draws z.
        batch_size: number of images to process at once; affects memory, and results only by
            rounding.
    """
    # Drawn for the whole split at once, so that an image's draws do not depend on the batch size.
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
    """Return the means and log-variances of q(z|x) for all images, each (N, d)."""
    encoded = [model.encode(x) for x in images.split(batch_size)]
    mus, log_vars = zip(*encoded, strict=True)
    return torch.cat(mus), torch.cat(log_vars)

"""The numbers of one run on a measured split, by the project's definitions: pure, in float32.

All values are in nats per image unless a name says otherwise; per-image values have shape (N,).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.elbo import gaussian_kl, reparameterise
from pipeline.models import VAE

ACTIVE_THRESHOLD = 0.01  # Burda et al. 2016 (arXiv 1509.00519), appendix C
COLLAPSED_KL = 0.1  # nats; less says that the code carries nothing


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a model makes of every image of a split.

    Attributes:
        mu: (N, d) posterior means.
        reconstruction: (N,) distortion, averaged over the draws of z.
        kl_per_dim: (N, d) rate.
    """

    mu: Tensor
    reconstruction: Tensor
    kl_per_dim: Tensor

    @property
    def kl(self) -> Tensor:
        """(N,) rate."""
        return self.kl_per_dim.sum(1)

    @property
    def elbo(self) -> Tensor:
        """(N,) -(reconstruction + kl), whatever beta the model was trained with."""
        return -(self.reconstruction + self.kl)

    @property
    def mu_variance(self) -> Tensor:
        """(d,) variance of the posterior mean over the split: a dimension's activity."""
        return self.mu.var(0, correction=0)


@torch.no_grad()
def measure(
    model: VAE, images: Tensor, latent_samples: int, generator: torch.Generator, batch_size: int
) -> Measured:
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
    mus, reconstructions, kls = [], [], []
    for x, eps in zip(images.split(batch_size), noise.split(batch_size, dim=1), strict=True):
        mu, log_var = model.encode(x)
        log_probs = [
            model.log_prob(model.decode(reparameterise(mu, log_var, draw)), x) for draw in eps
        ]
        mus.append(mu)
        reconstructions.append(-torch.stack(log_probs).mean(0))
        kls.append(gaussian_kl(mu, log_var))
    return Measured(torch.cat(mus), torch.cat(reconstructions), torch.cat(kls))


@torch.no_grad()
def importance_weighted_nll(
    model: VAE, images: Tensor, samples: int, generator: torch.Generator, batch_size: int
) -> Tensor:
    """(N,) upper bound of -log p(x) that falls as ``samples`` grows, in nats.

    -log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x) with z_k ~ q(z|x): the IWAE bound, Burda, Grosse &
    Salakhutdinov 2016 (arXiv 1509.00519), eq. 8.

    Args:
        model: in eval mode.
        images: (N, 1, H, W) in [0, 1], as the model observes them.
        samples: K.
        generator: on the CPU; of the draws.
        batch_size: images at once; each is decoded ``samples`` times.
    """
    bounds = []
    for x in images.split(batch_size):
        mu, log_var = model.encode(x)
        noise = torch.randn(samples, *mu.shape, generator=generator)
        z = reparameterise(mu, log_var, noise)  # (K, B, d)
        logits = model.decode(z.flatten(0, 1))
        log_likelihood = model.log_prob(logits, x.repeat(samples, 1, 1, 1)).view(samples, -1)
        # log p(z) - log q(z|x): both normal, so their constants cancel.
        log_ratio = 0.5 * (noise**2 + log_var - z**2).sum(-1)
        log_weights = log_likelihood + log_ratio  # (K, B)
        bounds.append(math.log(samples) - log_weights.logsumexp(0))
    return torch.cat(bounds)


def active_units(mu_variance: Tensor, threshold: float = ACTIVE_THRESHOLD) -> int:
    """Number of latent dimensions whose posterior mean varies over the split.

    Args:
        mu_variance: (d,) Var_x of E_q(z|x)[z].
        threshold: above which a dimension counts.
    """
    return int((mu_variance > threshold).sum())


def summarise(measured: Measured) -> dict[str, float | int | bool | list[float]]:
    """The run's metrics by their names: means of the per-image values over the split."""
    reconstruction = measured.reconstruction.double().mean().item()
    kl_per_dim = measured.kl_per_dim.double().mean(0)
    kl = kl_per_dim.sum().item()
    units = active_units(measured.mu_variance)
    return {
        "elbo": -(reconstruction + kl),
        "reconstruction": reconstruction,
        "kl": kl,
        "kl_per_dim": [round(value, 6) for value in kl_per_dim.tolist()],
        "active_units": units,
        "collapsed": units == 0 or kl < COLLAPSED_KL,
    }

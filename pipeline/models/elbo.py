"""The terms of the evidence lower bound: pure functions, per image, in nats.

Definitions and signs: ``reconstruction`` and ``kl`` are costs, ``elbo = -(reconstruction + kl)``.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.models.vae import VAE


class Bound(NamedTuple):
    """The terms of the ELBO for a batch.

    Attributes:
        reconstruction: (B,) distortion, -log p(x|z) at z ~ q(z|x).
        kl_per_dim: (B, d) rate, one term per latent dimension.
    """

    reconstruction: Tensor
    kl_per_dim: Tensor

    @property
    def kl(self) -> Tensor:
        """(B,) KL(q(z|x) || p(z))."""
        return self.kl_per_dim.sum(1)

    @property
    def elbo(self) -> Tensor:
        """(B,) -(reconstruction + kl), always without beta."""
        return -(self.reconstruction + self.kl)


def gaussian_kl(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mu, diag exp(log_var)) || N(0, I)) per dimension.

    Kingma & Welling 2014 (arXiv 1312.6114), appendix B.

    Args:
        mu: (B, d).
        log_var: (B, d).

    Returns:
        (B, d), nats, each at least 0.
    """
    # expm1 is accurate for log_var near 0, as in dimensions that carry no information.
    return 0.5 * (mu**2 + torch.expm1(log_var) - log_var)


def reparameterise(mu: Tensor, log_var: Tensor, noise: Tensor) -> Tensor:
    """Return z = mu + sigma * noise; all shapes are (B, d)."""
    return mu + torch.exp(0.5 * log_var) * noise


def bound(model: VAE, x: Tensor, noise: Tensor) -> Bound:
    """Estimate the terms of the ELBO with one sample per image.

    Args:
        model: the VAE.
        x: (B, 1, H, W) in [0, 1].
        noise: (B, d) standard normal samples.
    """
    mu, log_var = model.encode(x)
    mu, log_var = mu.float(), log_var.float()
    logits = model.decode(reparameterise(mu, log_var, noise))
    return Bound(
        reconstruction=-model.log_prob(logits.float(), x),
        kl_per_dim=gaussian_kl(mu, log_var),
    )


def training_loss(terms: Bound, beta: float, free_bits: float) -> Tensor:
    """Return the training objective, reconstruction + beta * kl: (B,); never reported as ELBO.

    With free bits (Kingma et al. 2016, arXiv 1606.04934, appendix C.8) each dimension's KL,
    averaged over the batch, costs at least ``free_bits`` nats.
    """
    if free_bits == 0:
        return terms.reconstruction + beta * terms.kl
    charged = terms.kl_per_dim.mean(0).clamp(min=free_bits).sum()
    return terms.reconstruction + beta * charged

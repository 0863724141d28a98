"""The importance-weighted estimate of -log p(x): pure, in nats per image.

The log weights are drawn once, and the bounds for all K are made from the same draws. Shapes: N
images, d latent dimensions, G blocks of draws.
"""

import math

import torch
from torch import Tensor

from pipeline.evaluation.bound import posteriors
from pipeline.models import VAE
from pipeline.models.elbo import reparameterise

BLOCK = 50  # draws of one image that are decoded together; every K of a report is a multiple
JACKKNIFE_GROUPS = 10


@torch.no_grad()
def log_weight_sums(
    model: VAE, images: Tensor, samples: int, generator: torch.Generator, batch_size: int
) -> Tensor:
    """(N, G) log of the summed importance weights of each block of an image's draws.

    A weight is p(x|z) p(z) / q(z|x) with z ~ q(z|x). A block holds ``BLOCK`` draws, the last one
    what is left of ``samples``. All that is kept of a draw is its part of a sum, so that the memory
    does not grow with ``samples``.

    Args:
        model: in eval mode.
        images: (N, 1, H, W) in [0, 1], as the model observes them.
        samples: draws of z an image.
        generator: on the CPU; of the draws.
        batch_size: codes decoded at once, but at least one block; changes no number beyond
            rounding.
    """
    mu, log_var = posteriors(model, images, batch_size)
    at_once = max(1, batch_size // BLOCK)
    parts = [part.split(at_once) for part in (images, mu, log_var)]
    blocks = [min(BLOCK, samples - start) for start in range(0, samples, BLOCK)]
    columns = []
    for size in blocks:
        column = []
        for x, mean, spread in zip(*parts, strict=True):
            # An image at a time, so that the batch size does not decide who gets which draw.
            noise = torch.stack(
                [torch.randn(size, model.latent_dim, generator=generator) for _ in x]
            )  # (B, size, d)
            mean, spread = mean.unsqueeze(1), spread.unsqueeze(1)
            z = reparameterise(mean, spread, noise)
            logits = model.decode(z.flatten(0, 1)).unflatten(0, (len(x), size))
            # Broadcast over the draws: no image is copied for each of them.
            log_likelihood = model.log_prob(logits, x.unsqueeze(1))  # (B, size)
            # log p(z) - log q(z|x): both normal, so their constants cancel.
            log_ratio = 0.5 * (noise**2 + spread - z**2).sum(-1)
            column.append((log_likelihood + log_ratio).logsumexp(1))
        columns.append(torch.cat(column))
    return torch.stack(columns, dim=1)


def importance_weighted_nll(
    model: VAE, images: Tensor, samples: int, generator: torch.Generator, batch_size: int
) -> Tensor:
    """(N,) upper bound of -log p(x) that falls as ``samples`` grows, in nats.

    -log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x) with z_k ~ q(z|x): the IWAE bound, Burda, Grosse &
    Salakhutdinov 2016 (arXiv 1509.00519), eq. 8. Arguments are those of ``log_weight_sums``, with
    K = ``samples``.
    """
    sums = log_weight_sums(model, images, samples, generator, batch_size)
    return math.log(samples) - sums.logsumexp(1)


def bound_from_sums(sums: Tensor, samples: int) -> Tensor:
    """(N,) the bound with K = ``samples``: the mean over the disjoint groups of K draws, in nats.

    Args:
        sums: (N, G) of ``log_weight_sums``, of whole blocks.
        samples: a multiple of ``BLOCK`` whose blocks divide G.
    """
    groups: Tensor = sums.double().unflatten(1, (-1, samples // BLOCK)).logsumexp(2)
    return math.log(samples) - groups.mean(1)


def monte_carlo_error(sums: Tensor) -> float:
    """Standard error of the mean over images of the bound that uses all draws, in nats.

    Of the estimator alone, for these images: by the jackknife over ten groups of draws, for each
    image (Efron & Stein 1981), and the images' draws are independent.

    Args:
        sums: (N, G), where G is a multiple of 10.
    """
    groups = sums.double().unflatten(1, (JACKKNIFE_GROUPS, -1)).logsumexp(2)  # (N, 10)
    left_out = torch.eye(JACKKNIFE_GROUPS, dtype=torch.bool)
    without = groups.unsqueeze(1).masked_fill(left_out, -math.inf).logsumexp(2)
    share = (JACKKNIFE_GROUPS - 1) / JACKKNIFE_GROUPS
    variances = share * (without - without.mean(1, keepdim=True)).square().sum(1)
    return float(variances.sum().sqrt() / len(sums))

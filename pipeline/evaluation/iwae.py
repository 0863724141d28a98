"""The importance-weighted estimate of -log p(x), in nats per image.

Weights are drawn once, and the bounds for all K are computed from the same draws. Shapes: N images,
d latent dimensions, G blocks of draws.
"""

import math

import torch
from torch import Tensor

from pipeline.evaluation.bound import posteriors
from pipeline.models import VAE
from pipeline.models.elbo import reparameterise

BLOCK = 50  # draws of one image to decode at once; every reported K is a multiple of it
JACKKNIFE_GROUPS = 10


@torch.no_grad()
def log_weight_sums(
    model: VAE, images: Tensor, samples: int, generator: torch.Generator, batch_size: int
) -> Tensor:
    """Return the log of the summed importance weights of each block of an image's draws: (N, G).

    A weight is p(x|z) p(z) / q(z|x) with z ~ q(z|x). A block contains ``BLOCK`` draws, the last one
    the rest of ``samples``. Only the sums are kept, not the draws, to limit memory.

    Args:
        model: in eval mode.
        images: (N, 1, H, W) in [0, 1], the model inputs.
        samples: number of draws of z per image.
        generator: on the CPU; draws z.
        batch_size: number of codes to decode at once, at least one block; affects results only by
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
            # Image by image, so that an image's draws do not depend on the batch size.
            noise = torch.stack(
                [torch.randn(size, model.latent_dim, generator=generator) for _ in x]
            )  # (B, size, d)
            mean, spread = mean.unsqueeze(1), spread.unsqueeze(1)
            z = reparameterise(mean, spread, noise)
            logits = model.decode(z.flatten(0, 1)).unflatten(0, (len(x), size))
            # Images are broadcast over their draws instead of copied.
            log_likelihood = model.log_prob(logits, x.unsqueeze(1))  # (B, size)
            # log p(z) - log q(z|x): both normal, so their constants cancel.
            log_ratio = 0.5 * (noise**2 + spread - z**2).sum(-1)
            column.append((log_likelihood + log_ratio).logsumexp(1))
        columns.append(torch.cat(column))
    return torch.stack(columns, dim=1)


def importance_weighted_nll(
    model: VAE, images: Tensor, samples: int, generator: torch.Generator, batch_size: int
) -> Tensor:
    """Return an upper bound on -log p(x) in nats, (N,), which decreases with ``samples``.

    This is the IWAE bound, -log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x) with z_k ~ q(z|x): Burda,
    Grosse & Salakhutdinov 2016 (arXiv 1509.00519), eq. 8. The arguments are those of
    ``log_weight_sums``, with K = ``samples``.
    """
    sums = log_weight_sums(model, images, samples, generator, batch_size)
    return math.log(samples) - sums.logsumexp(1)


def bound_from_sums(sums: Tensor, samples: int) -> Tensor:
    """Return the bound with K = ``samples`` in nats, (N,), the mean over disjoint groups of draws.

    Args:
        sums: (N, G) from ``log_weight_sums``, with complete blocks only.
        samples: a multiple of ``BLOCK`` such that its number of blocks divides G.
    """
    groups: Tensor = sums.double().unflatten(1, (-1, samples // BLOCK)).logsumexp(2)
    return math.log(samples) - groups.mean(1)


def monte_carlo_error(sums: Tensor) -> float:
    """Return the standard error, in nats, of the mean over images of the bound with all draws.

    It is the error of the estimator alone, for fixed images. The variance for each image is
    estimated by the jackknife over ten groups of draws (Efron & Stein 1981). The draws of different
    images are independent.

    Args:
        sums: (N, G), where G is a multiple of 10.
    """
    groups = sums.double().unflatten(1, (JACKKNIFE_GROUPS, -1)).logsumexp(2)  # (N, 10)
    left_out = torch.eye(JACKKNIFE_GROUPS, dtype=torch.bool)
    without = groups.unsqueeze(1).masked_fill(left_out, -math.inf).logsumexp(2)
    share = (JACKKNIFE_GROUPS - 1) / JACKKNIFE_GROUPS
    variances = share * (without - without.mean(1, keepdim=True)).square().sum(1)
    return float(variances.sum().sqrt() / len(sums))

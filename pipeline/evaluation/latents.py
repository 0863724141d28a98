"""The latent space: active units, mutual information, and a classifier on the codes.

Shapes: N images, d latent dimensions. The approximate posterior of image n is
q(z|x_n) = N(mu_n, diag exp(log_var_n)), and the aggregate posterior q(z) = 1/N sum_n q(z|x_n).
"""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipeline.models.elbo import reparameterise

ACTIVE_THRESHOLD = 0.01  # Burda et al. 2016 (arXiv 1509.00519), appendix C
AGGREGATE_DRAWS = 10_000  # of z ~ q(z) in total; 20 draws per image for 500 images
PAIRS_AT_ONCE = 2_000_000  # densities of draws under components in memory: 16 MB
FIT_STEPS = 2_000


def active_units(mu_variance: Tensor, threshold: float = ACTIVE_THRESHOLD) -> int:
    """Return the number of latent dimensions whose posterior mean varies over the split.

    Args:
        mu_variance: (d,) Var_x of E_q(z|x)[z].
        threshold: variance above which a dimension is active.
    """
    return int((mu_variance > threshold).sum())


def mutual_information(
    mu: Tensor, log_var: Tensor, generator: torch.Generator, draws: int = AGGREGATE_DRAWS
) -> float:
    """Return I_q(x;z) = E_x E_q(z|x)[log q(z|x) - log q(z)] in nats; at most log N.

    Hoffman & Johnson 2016 (NIPS workshop "Advances in Approximate Bayesian Inference"). q(z) is
    evaluated exactly, over all N components; the expectation is a mean over equally many draws per
    image. Both densities are evaluated at the same draw, so that the estimate is log N without any
    noise if the images' posteriors do not overlap. ``kl - mutual_information`` estimates KL(q(z) ||
    p(z)), with the exact KL instead of its estimate.

    Args:
        mu: (N, d).
        log_var: (N, d).
        generator: on the CPU; draws z.
        draws: total number of draws of z, rounded up to a multiple of N.
    """
    count = len(mu)
    repeats = -(-draws // count)
    noise = torch.randn(count, repeats, mu.shape[1], generator=generator).double()
    mean, spread = mu.double(), log_var.double()
    z = reparameterise(mean.unsqueeze(1), spread.unsqueeze(1), noise).flatten(0, 1)
    # Constants of the normal density cancel between q(z|x) and q(z).
    own = -0.5 * (noise.square() + spread.unsqueeze(1)).sum(2).flatten()
    # (z - mu)^2 / sigma^2 expanded: two matrix products instead of N x N x d differences. The
    # rounding error is 1e-16 of terms of at most 1e6, for sigma above 0.003.
    precision = torch.exp(-spread)
    constant = -0.5 * (mean.square() * precision + spread).sum(1)
    aggregate = [
        (part.square() @ (-0.5 * precision).T + part @ (mean * precision).T + constant).logsumexp(1)
        for part in z.split(max(1, PAIRS_AT_ONCE // count))
    ]
    return float((own - torch.cat(aggregate)).mean() + math.log(count))


def latent_accuracy(
    train_mu: npt.NDArray[np.floating],
    train_labels: npt.NDArray[np.int64],
    test_mu: npt.NDArray[np.floating],
    test_labels: npt.NDArray[np.int64],
) -> float:
    """Return the test accuracy of a logistic regression on the posterior means.

    It is fitted on the training split, with standardised inputs and scikit-learn's default penalty
    (L2, C = 1).

    Args:
        train_mu: (N, d) posterior means of the training split.
        train_labels: (N,), at least two classes.
        test_mu: (M, d).
        test_labels: (M,).
    """
    # Imported here, because it takes a second, which is wasted in a process that only trains.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=FIT_STEPS))
    classifier.fit(train_mu.astype(np.float64), train_labels)
    return float(classifier.score(test_mu.astype(np.float64), test_labels))

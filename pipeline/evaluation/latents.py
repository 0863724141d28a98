"""What the codes of a split say, by the project's definitions: pure.

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
AGGREGATE_DRAWS = 10_000  # of z ~ q(z) in all; 500 images give them 20 draws each
PAIRS_AT_ONCE = 2_000_000  # densities of a draw under a component held in memory: 16 MB
FIT_STEPS = 2_000


def active_units(mu_variance: Tensor, threshold: float = ACTIVE_THRESHOLD) -> int:
    """Number of latent dimensions whose posterior mean varies over the split.

    Args:
        mu_variance: (d,) Var_x of E_q(z|x)[z].
        threshold: above which a dimension counts.
    """
    return int((mu_variance > threshold).sum())


def mutual_information(
    mu: Tensor, log_var: Tensor, generator: torch.Generator, draws: int = AGGREGATE_DRAWS
) -> float:
    """I_q(x;z) = E_x E_q(z|x)[log q(z|x) - log q(z)] in nats; at most log N.

    Hoffman & Johnson 2016 (NIPS workshop "Advances in Approximate Bayesian Inference"). q(z) is
    evaluated exactly, over all N components; the expectation is a mean over draws, as many of each
    image. Both densities are taken at the same draw, so that where the codes of the images lie
    apart, the estimate is log N without any noise. ``kl - mutual_information`` then is KL(q(z) ||
    p(z)), with the exact KL in place of its estimate.

    Args:
        mu: (N, d).
        log_var: (N, d).
        generator: on the CPU; of the draws.
        draws: of z in all, rounded up to a multiple of N.
    """
    count = len(mu)
    repeats = -(-draws // count)
    noise = torch.randn(count, repeats, mu.shape[1], generator=generator).double()
    mean, spread = mu.double(), log_var.double()
    z = reparameterise(mean.unsqueeze(1), spread.unsqueeze(1), noise).flatten(0, 1)
    # Constants of the normal density cancel between q(z|x) and q(z).
    own = -0.5 * (noise.square() + spread.unsqueeze(1)).sum(2).flatten()
    # (z - mu)^2 / sigma^2 written out: two matrix products instead of N x N x d differences. What
    # cancels is 1e-16 of terms of size 1e6 at most, for sigma above 0.003.
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
    """Share of test images whose class logistic regression tells from the posterior mean.

    Fitted on the training split, with inputs scaled to its mean and variance and scikit-learn's
    default penalty (L2, C = 1).

    Args:
        train_mu: (N, d) posterior means of the training split.
        train_labels: (N,), at least two classes.
        test_mu: (M, d).
        test_labels: (M,).
    """
    # Imported here: it takes a second, which a process that only trains need not spend.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=FIT_STEPS))
    classifier.fit(train_mu.astype(np.float64), train_labels)
    return float(classifier.score(test_mu.astype(np.float64), test_labels))

"""The aggregate posterior of a split, dimension by dimension: exact, without sampling."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def marginal_densities(mu: Floats, log_var: Floats, z: Floats) -> NDArray[np.float64]:
    """Density of q(z_j) = 1/N sum_n N(mu_nj, exp(log_var_nj)) at each z.

    The aggregate posterior of Hoffman & Johnson 2016, marginalised over the other dimensions: since
    each component is a product over dimensions, its marginals are mixtures of N normals.

    Args:
        mu: (N, d) posterior means.
        log_var: (N, d) logarithms of the posterior variances.
        z: (M,) where to evaluate.

    Returns:
        (M, d).
    """
    found = np.empty((len(z), mu.shape[1]))
    for place in range(mu.shape[1]):  # (M, N) at a time: with d as well, MNIST would take 600 MB
        centre, spread = mu[:, place].astype(np.float64), log_var[:, place].astype(np.float64)
        exponent = (z[:, np.newaxis] - centre) ** 2 * np.exp(-spread) + spread
        found[:, place] = np.exp(-0.5 * exponent).mean(1) / math.sqrt(2 * math.pi)
    return found


def normal_density(z: Floats) -> NDArray[np.float64]:
    """Density of N(0, 1)."""
    return np.exp(-0.5 * z.astype(np.float64) ** 2) / math.sqrt(2 * math.pi)


def reach(mus: Sequence[Floats]) -> float:
    """Half the width of an axis that shows nearly all of these codes: 4 to 6.

    Up to 1 in 200 codes per dimension may lie outside, because a few outliers would flatten the
    rest.
    """
    widest = max(float(np.quantile(np.abs(mu), 0.995, axis=0).max()) for mu in mus)
    return min(6.0, max(4.0, math.ceil(2 * widest) / 2))

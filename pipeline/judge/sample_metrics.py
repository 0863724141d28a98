"""Metrics of generated images: pure functions of features and class probabilities.

Shapes: N real and M generated images, F features, C classes. All computations are in float64,
because the distances are small differences of large sums. Each judge has its own feature space, so
values of different judges, or of a judge and an Inception network, are not comparable.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

PRECISION_NEIGHBOURS = 3  # Kynkaanniemi et al. 2019 (arXiv 1904.06991), section 3
COVERAGE_NEIGHBOURS = 5  # Naeem et al. 2020 (arXiv 2002.09797), section 4


class Estimate(NamedTuple):
    """An estimate with its standard error."""

    value: float
    error: float


# --- distances between distributions ----------------------------------------------------------


def frechet_distance(real: Tensor, generated: Tensor) -> float:
    """|m_r - m_g|^2 + Tr(S_r + S_g - 2 (S_r S_g)^(1/2)), Heusel et al. 2017 (arXiv 1706.08500).

    The squared Wasserstein-2 distance between normal distributions with the features' means and
    (unbiased) covariances. It is biased upwards for small samples: compare only values from
    samples of the same size.

    Args:
        real: (N, F), N > 1.
        generated: (M, F), M > 1.
    """
    real, generated = real.double(), generated.double()
    shift = (real.mean(0) - generated.mean(0)).square().sum()
    real_covariance, generated_covariance = _covariance(real), _covariance(generated)
    # S_r S_g has the eigenvalues of S_r^(1/2) S_g S_r^(1/2), which is symmetric, so that they can
    # be computed stably, even for singular covariances.
    values, vectors = torch.linalg.eigh(real_covariance)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    product = torch.linalg.eigvalsh(root @ generated_covariance @ root)
    cross = product.clamp(min=0).sqrt().sum()
    distance = shift + real_covariance.trace() + generated_covariance.trace() - 2 * cross
    # Rounding can make the distance of equal sets negative.
    return float(distance.clamp(min=0).item())


def _covariance(features: Tensor) -> Tensor:
    """Return (F, F), even for one feature, for which torch.cov returns a scalar."""
    centred = features - features.mean(0)
    return centred.T @ centred / (len(features) - 1)


def kernel_distance(real: Tensor, generated: Tensor) -> Estimate:
    """Unbiased MMD^2 with the kernel (x.y / F + 1)^3, Binkowski et al. 2018 (arXiv 1801.01401).

    It uses all pairs at once, which has a smaller variance than a mean over subsets. Its
    expectation for equal distributions is 0, so single values can be negative. The standard error
    is that of the two-sample jackknife (Arvesen 1969), which leaves out each image in turn. It is
    conservative for nearly equal distributions.

    Args:
        real: (N, F), N > 2.
        generated: (M, F), M > 2.
    """
    real, generated = real.double(), generated.double()
    within_real, within_generated = _kernel(real, real), _kernel(generated, generated)
    between = _kernel(real, generated)
    # Sums over all other images of the same set, and over all images of the other set.
    real_sums = within_real.sum(1) - within_real.diagonal()
    generated_sums = within_generated.sum(1) - within_generated.diagonal()
    n, m = len(real), len(generated)
    real_total, generated_total = real_sums.sum(), generated_sums.sum()
    between_total = between.sum()
    value = (
        real_total / (n * (n - 1)) + generated_total / (m * (m - 1)) - 2 * between_total / (n * m)
    )
    without_real = (
        (real_total - 2 * real_sums) / ((n - 1) * (n - 2))
        + generated_total / (m * (m - 1))
        - 2 * (between_total - between.sum(1)) / ((n - 1) * m)
    )
    without_generated = (
        real_total / (n * (n - 1))
        + (generated_total - 2 * generated_sums) / ((m - 1) * (m - 2))
        - 2 * (between_total - between.sum(0)) / (n * (m - 1))
    )
    variance = sum(
        (len(left_out) - 1) * left_out.var(correction=0)
        for left_out in (without_real, without_generated)
    )
    return Estimate(value.item(), float(variance) ** 0.5)


def _kernel(first: Tensor, second: Tensor) -> Tensor:
    return (first @ second.T / first.shape[1] + 1) ** 3


# --- overlap of the two clouds ----------------------------------------------------------------


def precision(real: Tensor, generated: Tensor, k: int = PRECISION_NEIGHBOURS) -> float:
    """Share of generated images within the k-nearest-neighbour ball of any real image.

    Kynkaanniemi et al. 2019 (arXiv 1904.06991), eq. 1 and 2.

    Args:
        real: (N, F), N > k.
        generated: (M, F).
        k: number of neighbours, not counting the image itself.
    """
    return _inside(real, generated, k).any(0).double().mean().item()


def recall(real: Tensor, generated: Tensor, k: int = PRECISION_NEIGHBOURS) -> float:
    """Share of real images in any generated image's ball: precision with swapped roles."""
    return precision(generated, real, k)


def density(real: Tensor, generated: Tensor, k: int = COVERAGE_NEIGHBOURS) -> float:
    """Mean number of real images' balls that contain a generated image, divided by k.

    Naeem et al. 2020 (arXiv 2002.09797), eq. 4. About 1 for equal distributions; it can exceed 1,
    because generated images can concentrate where the real ones are densest.

    Args:
        real: (N, F), N > k.
        generated: (M, F).
        k: number of neighbours, not counting the image itself.
    """
    return _inside(real, generated, k).double().sum(0).mean().item() / k


def coverage(real: Tensor, generated: Tensor, k: int = COVERAGE_NEIGHBOURS) -> float:
    """Share of real images whose ball contains a generated one, Naeem et al. 2020, eq. 5."""
    return _inside(real, generated, k).any(1).double().mean().item()


def _inside(centres: Tensor, points: Tensor, k: int) -> Tensor:
    """Return whether each point is within each centre's k-nearest-neighbour ball: (N, M) bool.

    Raises:
        ValueError: if there are not more than k centres.
    """
    if len(centres) <= k:
        raise ValueError(f"{len(centres)} images have no {k}-th neighbour each")
    # The k-th nearest other centre is number k + 1 of all, since each is nearest to itself.
    radii = _distances(centres, centres).kthvalue(k + 1, dim=1).values
    return _distances(centres, points) <= radii.unsqueeze(1)


def _distances(first: Tensor, second: Tensor) -> Tensor:
    # Not by matrix products, whose rounding makes the distance of equal points positive.
    return torch.cdist(first.double(), second.double(), compute_mode="donot_use_mm_for_euclid_dist")


def mean_over_blocks(
    metric: Callable[[Tensor, Tensor], float], real: Tensor, generated: Tensor
) -> float:
    """Average a metric over disjoint blocks of generated images, each as large as the real set.

    Balls shrink as sets grow, so precision and recall are comparable only for sets of equal size.
    With blocks, all generated images can be used nevertheless, except for an incomplete last
    block. If there are fewer generated than real images, both sets are cut to their number.

    Args:
        metric: function of real and generated features.
        real: (N, F), in random order.
        generated: (M, F), in random order.
    """
    values = [metric(*block) for block in _blocks(real, generated)]
    return sum(values) / len(values)


def _blocks(real: Tensor, generated: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    size = min(len(real), len(generated))
    for block in generated[: len(generated) // size * size].split(size):
        yield real[:size], block


# --- class probabilities ----------------------------------------------------------------------


def confidence(probabilities: Tensor) -> float:
    """Return the mean of the largest class probability.

    Args:
        probabilities: (N, C); each row sums to 1.
    """
    return probabilities.double().amax(1).mean().item()


def low_confidence(probabilities: Tensor, threshold: float) -> float:
    """Return the share of images whose largest class probability is below a threshold.

    Args:
        probabilities: (N, C); each row sums to 1.
        threshold: the 5th percentile of the largest class probability in real test images.
    """
    return (probabilities.double().amax(1) < threshold).double().mean().item()


def class_entropy(probabilities: Tensor) -> float:
    """Return the entropy of the mean class distribution, in nats: from 0 to log C.

    Args:
        probabilities: (N, C); each row sums to 1.
    """
    return float(torch.special.entr(probabilities.double().mean(0)).sum().item())

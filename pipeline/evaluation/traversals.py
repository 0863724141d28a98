"""One latent dimension changed at a time, from the code of a test image: what each one draws.

Shapes: B images, one of each class; d latent dimensions, D of them changed; T values of each.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipeline.evaluation.pictures import Arrays, decode, images_to_show
from pipeline.models import VAE

REACH = 2.5  # of the axis each way, in the prior's standard deviations: 98.8 % of its mass
POINTS = 15  # of the axis; odd, so that one is the prior's mean
MOST = 8  # dimensions that are changed, at most


def draw_traversals(
    model: VAE, mu: Tensor, mu_variance: Tensor, labels: npt.NDArray[np.int64], seed: int
) -> Arrays:
    """Traversals of one run; none for two dimensions or fewer, whose plane is drawn whole.

    Args:
        model: in eval mode.
        mu: (N, d) posterior means of the measured split.
        mu_variance: (d,) variances of the posterior means over the split.
        labels: (N,) of the split.
        seed: of the evaluation: the same images for every model.

    Returns:
        ``traversal_dims`` (D,) int64, the most active dimension first; ``traversal_axis`` (T,)
        float32, ascending; ``traversal_bases`` (B,) int64 indices into the split;
        ``traversal_base_codes`` (B, d) float32, their posterior means; ``traversals``
        (B, D, T, H, W) uint8, of which [b, i, t] has ``traversal_axis[t]`` in the dimension
        ``traversal_dims[i]`` and the code of image b in all others.
    """
    if model.latent_dim <= 2:
        return {}
    dims = most_active(mu_variance)
    axis = np.linspace(-REACH, REACH, POINTS, dtype=np.float32)
    bases = images_to_show(labels, len(np.unique(labels)), seed)
    return {
        "traversal_dims": dims,
        "traversal_axis": axis,
        "traversal_bases": bases,
        "traversal_base_codes": mu[bases].numpy(),
        "traversals": decode(model, traverse(mu[bases], dims, axis)),
    }


def most_active(mu_variance: Tensor) -> npt.NDArray[np.int64]:
    """The ``MOST`` dimensions of the largest variance, largest first: (D,).

    Of dimensions with the same variance the first comes first.

    Args:
        mu_variance: (d,) variances of the posterior means over a split.
    """
    return np.argsort(-mu_variance.numpy(), kind="stable")[:MOST].astype(np.int64)


def traverse(codes: Tensor, dims: npt.NDArray[np.int64], axis: npt.NDArray[np.float32]) -> Tensor:
    """Every code (B, d) with one of its dimensions set to each value: (B, D, T, d)."""
    changed = codes[:, None, None, :].repeat(1, len(dims), len(axis), 1)
    for place, dim in enumerate(dims.tolist()):
        changed[:, place, :, dim] = torch.from_numpy(axis)
    return changed

"""One latent dimension changed at a time, from the code of a test image: what each one draws.

Shapes: B images, one of each class; d latent dimensions, D of them changed; T values of each.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipeline.evaluation.evaluated_model import EvaluatedModel, Measurement
from pipeline.evaluation.pictures import decode, images_to_show

REACH = 2.5  # of the axis each way, in the prior's standard deviations: 98.8 % of its mass
POINTS = 15  # of the axis; odd, so that one is the prior's mean
MOST = 8  # dimensions that are changed, at most


def measure(subject: EvaluatedModel) -> Measurement:
    """Traversals; none for two dimensions or fewer, whose plane is drawn whole.

    The most active dimension comes first. Image [b, i, t] of ``traversals`` has
    ``traversal_axis[t]`` in the dimension ``traversal_dims[i]``, and the code of test image
    ``traversal_bases[b]`` in all others. The same test images are used for every model.
    """
    if subject.model.latent_dim <= 2:
        return {}, {}
    labels = subject.test.labels.numpy()
    dims = most_active(subject.bound.mu_variance)
    axis = np.linspace(-REACH, REACH, POINTS, dtype=np.float32)
    bases = images_to_show(labels, len(np.unique(labels)), subject.settings.seed)
    codes = subject.bound.mu[bases]
    return {}, {
        "traversal_dims": dims,
        "traversal_axis": axis,
        "traversal_bases": bases,
        "traversal_base_codes": codes.numpy(),
        "traversals": decode(subject.model, traverse(codes, dims, axis)),
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

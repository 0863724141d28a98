"""Latent traversals: images decoded while one dimension of a test image's code varies.

Shapes: B images, one per class; d latent dimensions, D of them varied; T values of each.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipeline.evaluation.evaluated_model import EvaluatedModel, Measurement
from pipeline.evaluation.pictures import decode, images_to_show

REACH = 2.5  # half the length of the axis, in standard deviations of the prior: 98.8 % of its mass
POINTS = 15  # points on the axis; odd, so that one is the prior's mean
MOST = 8  # maximum number of dimensions to vary


def measure(subject: EvaluatedModel) -> Measurement:
    """Return traversals; nothing for one dimension, or for two, whose plane is decoded instead.

    The most active dimension comes first. Image [b, i, t] of ``traversals`` is decoded from the
    code of test image ``traversal_bases[b]``, with dimension ``traversal_dims[i]`` set to
    ``traversal_axis[t]``. The same test images are used for every model.
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
    """Return the ``MOST`` dimensions with the largest variances, largest first: (D,).

    Dimensions with the same variance keep their order.

    Args:
        mu_variance: (d,) variances of the posterior means over a split.
    """
    return np.argsort(-mu_variance.numpy(), kind="stable")[:MOST].astype(np.int64)


def traverse(codes: Tensor, dims: npt.NDArray[np.int64], axis: npt.NDArray[np.float32]) -> Tensor:
    """Return each code (B, d) with each dimension in turn set to each value: (B, D, T, d)."""
    changed = codes[:, None, None, :].repeat(1, len(dims), len(axis), 1)
    for place, dim in enumerate(dims.tolist()):
        changed[:, place, :, dim] = torch.from_numpy(axis)
    return changed

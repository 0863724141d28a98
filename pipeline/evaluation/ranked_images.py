"""Which test images a model reconstructs best, middling and worst: its whole range, not a choice.

Shapes: N test images of H x W pixels, R of them in each of three rows.
"""

import numpy as np
import numpy.typing as npt
from torch import Tensor

from pipeline.evaluation.pictures import Arrays, as_bytes

SHOWN = 8  # images of a row, where the split has three times as many


def rank_images(reconstruction: Tensor) -> npt.NDArray[np.int64]:
    """Indices of the images with the best, the median and the worst distortion: (3, R).

    Distortion rises from left to right and from row to row: the best image comes first, the R
    images around the median are in the second row, and the worst image of all is the last. No
    image comes twice, so R is the third of the images if that is less than ``SHOWN``. Of images
    with the same distortion the first in the split comes first.

    Args:
        reconstruction: (N,) distortion of each image in nats; lower is better.
    """
    ranked = np.argsort(reconstruction.numpy(), kind="stable")
    count = min(SHOWN, len(ranked) // 3)
    middle = (len(ranked) - count) // 2
    starts = (0, middle, len(ranked) - count)
    return np.stack([ranked[start : start + count] for start in starts]).astype(np.int64)


def draw_ranked(
    reconstruction: Tensor, originals: Tensor, observed: Tensor, reconstructions: Tensor
) -> Arrays:
    """The ranked images of one run, its numbers and pictures of them.

    Args:
        reconstruction: (N,) distortion of each image in nats.
        originals: (N, H, W) uint8, grey.
        observed: (N, 1, H, W) in [0, 1], as the model sees them.
        reconstructions: (N, 1, H, W) in [0, 1], mean images decoded from the posterior means.

    Returns:
        ``ranked_indices`` (3, R) int64, as ``rank_images`` orders them; ``ranked_values`` (3, R)
        float32, their distortion; ``ranked_originals``, ``ranked_inputs`` and
        ``ranked_reconstructions`` (3, R, H, W) uint8.
    """
    ranked = rank_images(reconstruction)
    size = (*ranked.shape, *originals.shape[1:])
    return {
        "ranked_indices": ranked,
        "ranked_values": reconstruction.numpy()[ranked].astype(np.float32),
        "ranked_originals": originals.numpy()[ranked],
        "ranked_inputs": as_bytes(observed[ranked.ravel()]).reshape(size),
        "ranked_reconstructions": as_bytes(reconstructions[ranked.ravel()]).reshape(size),
    }

"""The best, median and worst reconstructions of test images: the whole range, not a selection.

Shapes: N test images of H x W pixels, R of them in each of three rows.
"""

import numpy as np
import numpy.typing as npt
from torch import Tensor

from pipeline.evaluation.evaluated_model import EvaluatedModel, Measurement
from pipeline.evaluation.pictures import as_bytes

SHOWN = 8  # images per row, if the split has three times as many


def measure(subject: EvaluatedModel) -> Measurement:
    """Return the ranked images with their distortion, model inputs and reconstructions."""
    originals = subject.test.images.numpy()
    distortion = subject.bound.reconstruction
    ranked = rank_images(distortion)
    size = (*ranked.shape, *originals.shape[1:])
    return {}, {
        "ranked_indices": ranked,
        "ranked_values": distortion.numpy()[ranked].astype(np.float32),
        "ranked_originals": originals[ranked],
        "ranked_inputs": as_bytes(subject.images[ranked.ravel()]).reshape(size),
        "ranked_reconstructions": as_bytes(subject.reconstructions[ranked.ravel()]).reshape(size),
    }


def rank_images(reconstruction: Tensor) -> npt.NDArray[np.int64]:
    """Return the indices of the images with the best, median and worst distortion: (3, R).

    Distortion increases from left to right and from row to row: the best image comes first, the R
    images around the median are in the second row, and the worst image comes last. No image occurs
    twice, so R is a third of the number of images if that is less than ``SHOWN``. Images with the
    same distortion keep their order in the split.

    Args:
        reconstruction: (N,) distortion of each image in nats; lower is better.
    """
    ranked = np.argsort(reconstruction.numpy(), kind="stable")
    count = min(SHOWN, len(ranked) // 3)
    middle = (len(ranked) - count) // 2
    starts = (0, middle, len(ranked) - count)
    return np.stack([ranked[start : start + count] for start in starts]).astype(np.int64)

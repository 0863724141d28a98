"""The judge's confidence along straight paths between the codes of two test images.

Shapes: P paths of T points.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.evaluation.evaluated_model import Measurement
from pipeline.evaluation.pictures import pairs_to_show, straight_paths
from pipeline.judge.context import JudgedModel

PATHS = 200  # pairs of test images of different classes, the same for every model
PATH_POINTS = 11  # on each path, both ends included


def measure(subject: JudgedModel) -> Measurement:
    """Return minimum confidence and plausibility of paths; nothing if there is only one class."""
    pairs = pairs_to_show(subject.test.labels.numpy(), PATHS, subject.settings.seed)
    if not len(pairs):
        return {}, {}
    ends = subject.bound.mu[torch.from_numpy(pairs)]
    codes = straight_paths(ends[:, 0], ends[:, 1], PATH_POINTS)
    judge, reference = subject.context.judge, subject.context.reference
    seen = judge.judge(subject.model.mean_images(codes)).confidence.view(len(ends), PATH_POINTS)
    paths = path_plausibility(seen, reference.plausible_confidence)
    return {
        "path_min_confidence": paths.min_confidence,
        "path_plausibility": paths.plausible,
    }, {}


class PathPlausibility(NamedTuple):
    """How plausible the images on straight paths between codes are to the judge.

    Attributes:
        min_confidence: the minimum confidence on a path, averaged over paths.
        plausible: share of points whose confidence is above the threshold, averaged over paths.
    """

    min_confidence: float
    plausible: float


def path_plausibility(confidence: Tensor, threshold: float) -> PathPlausibility:
    """Summarise the judge's confidence along paths.

    Args:
        confidence: (P, T) largest class probability at each point, both ends included.
        threshold: 5th percentile of the confidence in test images.
    """
    confidence = confidence.double()
    return PathPlausibility(
        confidence.amin(1).mean().item(), (confidence > threshold).double().mean().item()
    )

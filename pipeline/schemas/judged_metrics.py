"""Metrics based on the judge's features and its calibrated class probabilities. Free of torch.

Distances use the judge's own features and are not comparable with those of an Inception network.
"""

from pipeline.schemas.metric import Metric

FRECHET_DISTANCE = Metric(
    "frechet_distance",
    "Fréchet distance",
    "judge's features",
    "lower",
    "Squared Wasserstein-2 distance between normal distributions fitted to the judge's features of "
    "generated and of test images; not comparable with Inception FID.",
    group="judge",
    main=True,
)
KERNEL_DISTANCE = Metric(
    "kernel_distance",
    "Kernel distance",
    "judge's features",
    "lower",
    "Unbiased squared MMD between the judge's features of generated and of test images with the "
    "kernel (x·y / dim + 1)^3; it may fall below 0 by chance if both hardly differ.",
    group="judge",
    digits=3,
)
KERNEL_DISTANCE_ERROR = Metric(
    "kernel_distance_error",
    "Kernel distance error",
    "judge's features",
    "neither",
    "Standard error of the kernel distance over random draws of both sets of images.",
    group="judge",
    digits=3,
    interval=False,
)
PRECISION = Metric(
    "precision",
    "Precision",
    "share",
    "higher",
    "Share of generated images within the third-nearest-neighbour ball of some test image.",
    group="judge",
    digits=3,
)
RECALL = Metric(
    "recall",
    "Recall",
    "share",
    "higher",
    "Share of test images within the third-nearest-neighbour ball of some generated image.",
    group="judge",
    digits=3,
)
DENSITY = Metric(
    "density",
    "Density",
    "ratio",
    "higher",
    "Mean number of fifth-nearest-neighbour balls of test images that contain a generated image, "
    "divided by 5; can exceed 1.",
    group="judge",
    digits=3,
)
COVERAGE = Metric(
    "coverage",
    "Coverage",
    "share",
    "higher",
    "Share of test images whose fifth-nearest-neighbour ball contains a generated image.",
    group="judge",
    digits=3,
)
CONFIDENCE = Metric(
    "confidence",
    "Confidence",
    "",
    "higher",
    "The judge's largest class probability, averaged over generated images.",
    group="judge",
    digits=3,
)
LOW_CONFIDENCE = Metric(
    "low_confidence",
    "Low confidence",
    "share",
    "lower",
    "Share of generated images whose confidence is below the 5th percentile over test images; for "
    "the test images themselves it is 0.05 by construction.",
    group="judge",
    digits=3,
)
CLASS_ENTROPY = Metric(
    "class_entropy",
    "Class entropy",
    "nats (entropy)",
    "higher",
    "Entropy of the mean class distribution over generated images; at most the logarithm of the "
    "number of classes.",
    group="judge",
)
PATH_MIN_CONFIDENCE = Metric(
    "path_min_confidence",
    "Minimum path confidence",
    "",
    "higher",
    "The judge's minimum confidence on the straight path between the codes of two test images of "
    "different classes, averaged over pairs.",
    group="paths",
    digits=3,
    needs=("classes",),
)
PATH_PLAUSIBILITY = Metric(
    "path_plausibility",
    "Path plausibility",
    "share",
    "higher",
    "Share of the points on these paths whose confidence is above the 5th percentile over test "
    "images.",
    group="paths",
    digits=3,
    needs=("classes",),
)
GRID_CENTER_CLASS = Metric(
    "grid_center_class",
    "Class at the origin",
    "class",
    "neither",
    "Two dimensions only: the judge's class for the image decoded at the origin, per seed; if "
    "several seeds share a class, their number is in brackets.",
    group="paths",
    needs=("plane",),
    is_label=True,
)
GRID_CENTER_BORDERS = Metric(
    "grid_center_borders",
    "Neighbours of the central class",
    "classes",
    "neither",
    "Two dimensions only: number of other classes that border the class at the origin on the plane "
    "[-1.5, 1.5]^2.",
    group="paths",
    needs=("plane",),
    digits=1,
)
GRID_CLASSES = Metric(
    "grid_classes",
    "Classes on the plane",
    "classes",
    "neither",
    "Two dimensions only: number of classes that occur on the plane [-1.5, 1.5]^2.",
    group="paths",
    needs=("plane",),
    digits=1,
)

JUDGED: tuple[Metric, ...] = (
    FRECHET_DISTANCE,
    KERNEL_DISTANCE,
    KERNEL_DISTANCE_ERROR,
    PRECISION,
    RECALL,
    DENSITY,
    COVERAGE,
    CONFIDENCE,
    LOW_CONFIDENCE,
    CLASS_ENTROPY,
)
PATHS: tuple[Metric, ...] = (PATH_MIN_CONFIDENCE, PATH_PLAUSIBILITY)
PLANE: tuple[Metric, ...] = (GRID_CENTER_CLASS, GRID_CENTER_BORDERS, GRID_CLASSES)

"""The numbers by the judge: by its features and its calibrated class probabilities. Free of torch.

The distances are in the judge's own features, not comparable with those of an Inception network.
"""

from pipeline.schemas.metric import Metric

FRECHET_DISTANCE = Metric(
    "frechet_distance",
    "Fréchet distance",
    "judge's features",
    "lower",
    "Squared Wasserstein-2 distance of normal fits to the judge's features of drawn and of test "
    "images; not comparable with Inception FID.",
    group="judge",
    main=True,
)
KERNEL_DISTANCE = Metric(
    "kernel_distance",
    "Kernel distance",
    "judge's features",
    "lower",
    "Unbiased squared MMD of the judge's features of drawn and of test images, kernel "
    "(x·y / dim + 1)^3; below 0 by chance where both hardly differ.",
    group="judge",
    digits=3,
)
KERNEL_DISTANCE_ERROR = Metric(
    "kernel_distance_error",
    "Its error",
    "judge's features",
    "neither",
    "Standard error of the kernel distance over draws of both sets of images.",
    group="judge",
    digits=3,
    interval=False,
)
PRECISION = Metric(
    "precision",
    "Precision",
    "share",
    "higher",
    "Share of drawn images within the ball of some test image to its third nearest neighbour.",
    group="judge",
    digits=3,
)
RECALL = Metric(
    "recall",
    "Recall",
    "share",
    "higher",
    "Share of test images within the ball of some drawn image to its third nearest neighbour.",
    group="judge",
    digits=3,
)
DENSITY = Metric(
    "density",
    "Density",
    "ratio",
    "higher",
    "Test images' balls to the fifth nearest neighbour that a drawn image lies in, divided by 5; "
    "can exceed 1.",
    group="judge",
    digits=3,
)
COVERAGE = Metric(
    "coverage",
    "Coverage",
    "share",
    "higher",
    "Share of test images whose ball to the fifth nearest neighbour holds a drawn image.",
    group="judge",
    digits=3,
)
CONFIDENCE = Metric(
    "confidence",
    "Confidence",
    "",
    "higher",
    "The judge's largest class probability, averaged over drawn images.",
    group="judge",
    digits=3,
)
LOW_CONFIDENCE = Metric(
    "low_confidence",
    "Low confidence",
    "share",
    "lower",
    "Share of drawn images whose confidence is below the 5th percentile of test images: of the "
    "test images themselves it is 0.05 by construction.",
    group="judge",
    digits=3,
)
CLASS_ENTROPY = Metric(
    "class_entropy",
    "Class entropy",
    "nats (entropy)",
    "higher",
    "Entropy of the drawn images' mean class distribution; at most the logarithm of the number of "
    "classes.",
    group="judge",
)
PATH_MIN_CONFIDENCE = Metric(
    "path_min_confidence",
    "Least confidence on a path",
    "",
    "higher",
    "The judge's least confidence on the straight path between the codes of two test images of "
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
    "Share of the points on those paths whose confidence is above the 5th percentile of test "
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
    "Two dimensions only: the judge's class of the image decoded at the origin, over the seeds; "
    "a class of several seeds has their number in brackets.",
    group="paths",
    needs=("plane",),
    is_label=True,
)
GRID_CENTER_BORDERS = Metric(
    "grid_center_borders",
    "Neighbours of the central class",
    "classes",
    "neither",
    "Two dimensions only: number of other classes that the class at the origin borders on the "
    "plane [-1.5, 1.5]^2.",
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

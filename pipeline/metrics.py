"""The names of all reported numbers, with label, unit and direction. Free of torch."""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One reported number.

    Attributes:
        name: column in ``results/metrics.csv``; ``test/<name>`` in MLflow.
        label: heading for people.
        unit: ``nats`` is nats per image.
        better: which direction is better; ``neither`` for a number that describes.
        definition: one sentence.
    """

    name: str
    label: str
    unit: str
    better: Direction
    definition: str

    @property
    def sign(self) -> int:
        """1 if higher is better, -1 if lower is, 0 if neither."""
        return {"higher": 1, "lower": -1, "neither": 0}[self.better]


ELBO = Metric(
    "elbo",
    "ELBO",
    "nats",
    "higher",
    "Evidence lower bound with beta = 1: -(reconstruction + KL).",
)
RECONSTRUCTION = Metric(
    "reconstruction",
    "Reconstruction",
    "nats",
    "lower",
    "Distortion: minus the expected log-likelihood of the image given its code.",
)
KL = Metric(
    "kl",
    "KL",
    "nats",
    "neither",
    "Rate: divergence of the approximate posterior from the standard normal prior.",
)
ACTIVE_UNITS = Metric(
    "active_units",
    "Active units",
    "dimensions",
    "neither",
    "Latent dimensions whose posterior mean has a variance above 0.01 over the split.",
)

METRICS: dict[str, Metric] = {
    metric.name: metric for metric in (ELBO, RECONSTRUCTION, KL, ACTIVE_UNITS)
}

# By the judge: features of its penultimate layer, calibrated class probabilities. The first two
# are distances in that layer, not comparable with those of an Inception network.
FRECHET_DISTANCE = Metric(
    "frechet_distance",
    "Fréchet distance",
    "",
    "lower",
    "Squared Wasserstein-2 distance of normal fits to the judge's features of drawn and of test "
    "images; not comparable with Inception FID.",
)
KERNEL_DISTANCE = Metric(
    "kernel_distance",
    "Kernel distance",
    "",
    "lower",
    "Unbiased squared MMD of the judge's features of drawn and of test images, kernel "
    "(x·y / dim + 1)^3.",
)
PRECISION = Metric(
    "precision",
    "Precision",
    "",
    "higher",
    "Share of drawn images within the ball of some test image to its third nearest neighbour.",
)
RECALL = Metric(
    "recall",
    "Recall",
    "",
    "higher",
    "Share of test images within the ball of some drawn image to its third nearest neighbour.",
)
DENSITY = Metric(
    "density",
    "Density",
    "",
    "higher",
    "Test images' balls to the fifth nearest neighbour that a drawn image lies in, divided by 5; "
    "can exceed 1.",
)
COVERAGE = Metric(
    "coverage",
    "Coverage",
    "",
    "higher",
    "Share of test images whose ball to the fifth nearest neighbour holds a drawn image.",
)
CONFIDENCE = Metric(
    "confidence",
    "Confidence",
    "",
    "higher",
    "The judge's largest class probability, averaged over drawn images.",
)
CLASS_ENTROPY = Metric(
    "class_entropy",
    "Class entropy",
    "nats (entropy)",
    "higher",
    "Entropy of the drawn images' mean class distribution; at most the logarithm of the number of "
    "classes.",
)
PATH_MIN_CONFIDENCE = Metric(
    "path_min_confidence",
    "Least confidence on a path",
    "",
    "higher",
    "The judge's least confidence on the straight path between the codes of two test images of "
    "different classes, averaged over pairs.",
)
PATH_PLAUSIBILITY = Metric(
    "path_plausibility",
    "Path plausibility",
    "",
    "higher",
    "Share of the points on those paths whose confidence is above the 5th percentile of test "
    "images.",
)
GRID_CENTER_CLASS = Metric(
    "grid_center_class",
    "Class at the origin",
    "class",
    "neither",
    "The judge's class of the image decoded at the origin of a 2-D latent space; its number, which "
    "has no order.",
)
GRID_CENTER_BORDERS = Metric(
    "grid_center_borders",
    "Neighbours of the central class",
    "classes",
    "neither",
    "Number of other classes that the class at the origin borders on the plane [-1.5, 1.5]^2.",
)
GRID_CLASSES = Metric(
    "grid_classes",
    "Classes on the plane",
    "classes",
    "neither",
    "Number of classes that occur on the plane [-1.5, 1.5]^2 of a 2-D latent space.",
)

JUDGED: tuple[Metric, ...] = (
    FRECHET_DISTANCE,
    KERNEL_DISTANCE,
    PRECISION,
    RECALL,
    DENSITY,
    COVERAGE,
    CONFIDENCE,
    CLASS_ENTROPY,
    PATH_MIN_CONFIDENCE,
    PATH_PLAUSIBILITY,
    GRID_CENTER_CLASS,
    GRID_CENTER_BORDERS,
    GRID_CLASSES,
)

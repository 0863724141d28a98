"""The names of all reported numbers, with label, unit and direction. Free of torch."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower", "neither"]
Group = Literal["bound", "likelihood", "latent", "images"]

GROUPS: dict[Group, str] = {
    "bound": "The bound",
    "likelihood": "Likelihood estimate",
    "latent": "The latent space",
    "images": "Samples, reconstructions and the plane",
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One reported number.

    Attributes:
        name: column in ``results/metrics.csv``; ``test/<name>`` in MLflow.
        label: heading for people.
        unit: ``nats`` is nats per image.
        better: which direction is better; ``neither`` for a number that describes.
        definition: one sentence.
        group: what it is shown with.
        main: whether it stands in the comparison of all configurations as well.
        digits: behind the point, for people.
        interval: whether an interval over seeds means something; not of an estimator's error.
        of_likelihood: whether it is made from p(x|z), and so is no likelihood where that is none.
    """

    name: str
    label: str
    unit: str
    better: Direction
    definition: str
    group: Group = "bound"
    main: bool = False
    digits: int = 2
    interval: bool = True
    of_likelihood: bool = False

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
    main=True,
    of_likelihood=True,
)
RECONSTRUCTION = Metric(
    "reconstruction",
    "Reconstruction",
    "nats",
    "lower",
    "Distortion: minus the expected log-likelihood of the image given its code.",
    main=True,
    of_likelihood=True,
)
KL = Metric(
    "kl",
    "KL",
    "nats",
    "neither",
    "Rate: divergence of the approximate posterior from the standard normal prior.",
    main=True,
)
ELBO_MC_ERROR = Metric(
    "elbo_mc_error",
    "Monte-Carlo error",
    "nats",
    "neither",
    "Standard error of the split's mean ELBO over fresh draws of the codes, for these images.",
    digits=3,
    interval=False,
    of_likelihood=True,
)
NLL_50 = Metric(
    "nll_50",
    "NLL, K = 50",
    "nats",
    "lower",
    "Importance-weighted upper bound of -log p(x) with 50 draws an image, over the whole split: "
    "the mean over the ten disjoint groups of 50 that the draws of K = 500 hold.",
    group="likelihood",
    of_likelihood=True,
)
NLL_500 = Metric(
    "nll_500",
    "NLL, K = 500",
    "nats",
    "lower",
    "Importance-weighted upper bound of -log p(x) with 500 draws an image, over the whole split.",
    group="likelihood",
    main=True,
    of_likelihood=True,
)
NLL_5000 = Metric(
    "nll_5000",
    "NLL, K = 5,000, subset",
    "nats",
    "lower",
    "The same with 5,000 draws an image, over a subset of the split: compare it with the bounds "
    "over the subset, not with those over the whole split.",
    group="likelihood",
    of_likelihood=True,
)
NLL_50_SUBSET = Metric(
    "nll_50_subset",
    "NLL, K = 50, subset",
    "nats",
    "lower",
    "The bound with 50 draws over the images of the subset.",
    group="likelihood",
    of_likelihood=True,
)
NLL_500_SUBSET = Metric(
    "nll_500_subset",
    "NLL, K = 500, subset",
    "nats",
    "lower",
    "The bound with 500 draws over the images of the subset.",
    group="likelihood",
    of_likelihood=True,
)
NLL_500_MC_ERROR = Metric(
    "nll_500_mc_error",
    "Error, K = 500",
    "nats",
    "neither",
    "Standard error of nll_500 over fresh draws, for these images: jackknife over ten groups.",
    group="likelihood",
    digits=3,
    interval=False,
    of_likelihood=True,
)
NLL_5000_MC_ERROR = Metric(
    "nll_5000_mc_error",
    "Error, K = 5,000",
    "nats",
    "neither",
    "Standard error of nll_5000 over fresh draws, for the images of the subset.",
    group="likelihood",
    digits=3,
    interval=False,
    of_likelihood=True,
)
NLL_5000_IMAGES = Metric(
    "nll_5000_images",
    "Images of the subset",
    "images",
    "neither",
    "How many images of the split nll_5000 is measured on: drawn at random, a class in turn.",
    group="likelihood",
    digits=0,
)
ACTIVE_UNITS = Metric(
    "active_units",
    "Active units",
    "dimensions",
    "neither",
    "Latent dimensions whose posterior mean has a variance above 0.01 over the split.",
    group="latent",
    main=True,
)
ACTIVE_UNITS_LOW = Metric(
    "active_units_0.001",
    "Active units above 0.001",
    "dimensions",
    "neither",
    "The same count with a threshold of 0.001.",
    group="latent",
)
ACTIVE_UNITS_HIGH = Metric(
    "active_units_0.1",
    "Active units above 0.1",
    "dimensions",
    "neither",
    "The same count with a threshold of 0.1.",
    group="latent",
)
MUTUAL_INFORMATION = Metric(
    "mutual_information",
    "Mutual information",
    "nats",
    "neither",
    "What a code says of which image it came from: KL minus the marginal KL, at most the logarithm "
    "of the number of images.",
    group="latent",
)
MUTUAL_INFORMATION_CEILING = Metric(
    "mutual_information_ceiling",
    "Its ceiling, log N",
    "nats",
    "neither",
    "Logarithm of the number of images, where the mutual information saturates.",
    group="latent",
)
MARGINAL_KL = Metric(
    "marginal_kl",
    "Marginal KL",
    "nats",
    "neither",
    "Divergence of the aggregate posterior, over all images of the split, from the prior: KL minus "
    "the mutual information.",
    group="latent",
)
LATENT_ACCURACY = Metric(
    "latent_accuracy",
    "Latent accuracy",
    "share",
    "higher",
    "Share of test images whose class logistic regression tells from the posterior mean; fitted on "
    "the training split.",
    group="latent",
    digits=3,
)
SHARPNESS = Metric(
    "sharpness",
    "Sharpness",
    "ratio",
    "neither",
    "Mean Sobel gradient of mean images decoded from the prior over that of the real grey test "
    "images: 1 is as sharp as the data.",
    group="images",
    digits=3,
)
RECONSTRUCTION_SHARPNESS = Metric(
    "reconstruction_sharpness",
    "Sharpness of reconstructions",
    "ratio",
    "neither",
    "The same ratio for the mean images decoded from the test images' posterior means.",
    group="images",
    digits=3,
)
CONTRAST = Metric(
    "contrast",
    "Contrast",
    "share",
    "neither",
    "Share of pixels below 0.1 or above 0.9 in mean images decoded from the prior.",
    group="images",
    digits=3,
)
CONTRAST_DATA = Metric(
    "contrast_data",
    "Contrast of the data",
    "share",
    "neither",
    "The same share of the real grey test images.",
    group="images",
    digits=3,
)
GRID_CONTINUITY = Metric(
    "grid_continuity",
    "Grid continuity",
    "ratio",
    "neither",
    "Two dimensions only: mean distance of neighbouring cells' images on the decoded plane over "
    "that of any two cells' images; near 0 is smooth.",
    group="images",
    digits=3,
)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        ELBO,
        RECONSTRUCTION,
        KL,
        ELBO_MC_ERROR,
        NLL_50,
        NLL_500,
        NLL_500_MC_ERROR,
        NLL_50_SUBSET,
        NLL_500_SUBSET,
        NLL_5000,
        NLL_5000_MC_ERROR,
        NLL_5000_IMAGES,
        ACTIVE_UNITS,
        ACTIVE_UNITS_LOW,
        ACTIVE_UNITS_HIGH,
        MUTUAL_INFORMATION,
        MUTUAL_INFORMATION_CEILING,
        MARGINAL_KL,
        LATENT_ACCURACY,
        SHARPNESS,
        RECONSTRUCTION_SHARPNESS,
        CONTRAST,
        CONTRAST_DATA,
        GRID_CONTINUITY,
    )
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


def main_metrics(names: Iterable[str]) -> list[Metric]:
    """Those of the names that stand in the comparison of all configurations, in their order."""
    present = set(names)
    return [metric for metric in METRICS.values() if metric.main and metric.name in present]

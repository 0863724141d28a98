"""The names of all reported numbers, in the order in which they are shown. Free of torch.

Those that need the judge are defined in ``judged_metrics``.
"""

from collections.abc import Iterable

from pipeline.schemas.judged_metrics import JUDGED, PATHS, PLANE
from pipeline.schemas.metric import Metric

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
    needs=("option",),  # two draws or more
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
    needs=("likelihood",),
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
    needs=("likelihood",),
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
    needs=("likelihood",),
)
NLL_50_SUBSET = Metric(
    "nll_50_subset",
    "NLL, K = 50, subset",
    "nats",
    "lower",
    "The bound with 50 draws over the images of the subset.",
    group="likelihood",
    of_likelihood=True,
    needs=("likelihood",),
)
NLL_500_SUBSET = Metric(
    "nll_500_subset",
    "NLL, K = 500, subset",
    "nats",
    "lower",
    "The bound with 500 draws over the images of the subset.",
    group="likelihood",
    of_likelihood=True,
    needs=("likelihood",),
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
    needs=("likelihood",),
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
    needs=("likelihood",),
)
NLL_5000_IMAGES = Metric(
    "nll_5000_images",
    "Images of the subset",
    "images",
    "neither",
    "How many images of the split nll_5000 is measured on: drawn at random, a class in turn.",
    group="likelihood",
    digits=0,
    needs=("likelihood",),
)
AIS_NLL = Metric(
    "ais_nll",
    "NLL by AIS",
    "nats",
    "lower",
    "Upper bound of -log p(x) by annealed importance sampling, in which the encoder takes no part, "
    "over the first test images.",
    group="likelihood",
    of_likelihood=True,
    needs=("likelihood", "option"),
)
AIS_GAP = Metric(
    "ais_gap",
    "Gap of AIS",
    "nats",
    "neither",
    "Forward minus backward estimate on as many images that the model drew itself: about the "
    "largest error of the AIS estimate.",
    group="likelihood",
    digits=3,
    interval=False,
    of_likelihood=True,
    needs=("likelihood", "option"),
)
AIS_IMAGES = Metric(
    "ais_images",
    "Images of AIS",
    "images",
    "neither",
    "How many test images the AIS estimate is measured on.",
    group="likelihood",
    digits=0,
    needs=("likelihood", "option"),
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
    group="paths",
    digits=3,
    needs=("plane",),
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
        AIS_NLL,
        AIS_GAP,
        AIS_IMAGES,
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
        *JUDGED,
        *PATHS,
        GRID_CONTINUITY,
        *PLANE,
    )
}


def main_metrics(names: Iterable[str]) -> list[Metric]:
    """Those of the names that stand in the comparison of all configurations, in their order."""
    present = set(names)
    return [metric for metric in METRICS.values() if metric.main and metric.name in present]

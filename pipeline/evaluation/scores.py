"""All metrics of one run: measuring functions, each of what was made of the splits: pure.

A measuring function takes a ``Subject`` and returns metrics by the names of ``metrics.METRICS``;
None is for a number that this run does not have. To add one, add it to ``MEASURES``. The numbers by
the judge, which come with arrays, are those of ``judging``.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import Split
from pipeline.evaluation.ais import ais_metrics
from pipeline.evaluation.appearance import contrast, grid_continuity, sharpness
from pipeline.evaluation.bound import Measured, measure, posteriors, summarise
from pipeline.evaluation.iwae import bound_from_sums, log_weight_sums, monte_carlo_error
from pipeline.evaluation.latents import active_units, latent_accuracy, mutual_information
from pipeline.evaluation.pictures import PLANE, images_to_show, plane
from pipeline.models import VAE
from pipeline.numerics.hardware import seeded_generator
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.protocol import Protocol
from pipeline.settings import EvaluateSettings, RunSettings

Score = float | int | bool | list[float] | None
Scores = dict[str, Score]

SMALL, MIDDLE, LARGE = 50, 500, 5000  # K of the likelihood estimate


@dataclass(frozen=True, slots=True, eq=False)
class LogWeights:
    """Importance weights of a split; see ``importance.log_weight_sums`` for G.

    Attributes:
        sums: (N, 500 / 50), of every image.
        subset: (n,) indices of the images that have more draws.
        subset_sums: (n, 5000 / 50), the first 500 draws included.
    """

    sums: Tensor
    subset: Tensor
    subset_sums: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A model with what several measuring functions use. N test images, d latent dimensions.

    Attributes:
        model: in eval mode.
        run: its settings.
        settings: how to measure.
        train: the training split.
        test: the test split.
        images: (N, 1, H, W) in [0, 1], the test images as the model observes them.
        measured: the bound on them.
        weights: of the likelihood estimate; None where the bound is of no likelihood.
        samples: (S, 1, H, W) in [0, 1], mean images decoded from the prior; the same codes for
            every model of the same latent size.
        reconstructions: (N, 1, H, W) in [0, 1], mean images decoded from the posterior means.
    """

    model: VAE
    run: RunSettings
    settings: EvaluateSettings
    train: Split
    test: Split
    images: Tensor
    measured: Measured
    weights: LogWeights | None
    samples: Tensor
    reconstructions: Tensor

    @property
    def originals(self) -> Tensor:
        """(N, 1, H, W) in [0, 1], the real test images in grey."""
        return self.test.images.unsqueeze(1).float() / 255


def prepare_subject(
    model: VAE,
    run: RunSettings,
    protocol: Protocol,
    train: Split,
    test: Split,
    settings: EvaluateSettings,
) -> Subject:
    """Make of the splits what the measuring functions need."""
    # As in training: 15 % faster for convolutions.
    model = model.to(memory_format=torch.channels_last)
    images, batch = model_inputs(test, run.binarisation), settings.batch_size
    generator = seeded_generator(settings.seed, "evaluation")
    measured = measure(model, images, settings.latent_samples, generator, batch)
    prior = torch.randn(
        settings.prior_samples,
        model.latent_dim,
        generator=seeded_generator(settings.seed, "prior"),
    )
    return Subject(
        model=model,
        run=run,
        settings=settings,
        train=train,
        test=test,
        images=images,
        measured=measured,
        weights=_draw_weights(model, images, test, settings) if protocol.is_likelihood else None,
        samples=mean_images(model, prior, batch),
        reconstructions=mean_images(model, measured.mu, batch),
    )


@torch.no_grad()
def mean_images(model: VAE, codes: Tensor, batch_size: int) -> Tensor:
    """(M, d) -> (M, 1, H, W) in [0, 1]; a Gaussian's mean is clipped to the range."""
    return torch.cat(
        [model.mean(model.decode(part)).clamp(0, 1) for part in codes.split(batch_size)]
    )


def _draw_weights(
    model: VAE, images: Tensor, test: Split, settings: EvaluateSettings
) -> LogWeights:
    """500 draws for every image, 4,500 more for the subset."""
    generator, batch = seeded_generator(settings.seed, "importance"), settings.batch_size
    sums = log_weight_sums(model, images, MIDDLE, generator, batch)
    count = len(images) if settings.nll_images is None else settings.nll_images
    subset = torch.from_numpy(images_to_show(test.labels.numpy(), count, settings.seed))
    more = log_weight_sums(model, images[subset], LARGE - MIDDLE, generator, batch)
    return LogWeights(sums, subset, torch.cat([sums[subset], more], dim=1))


# --- measuring functions ------------------------------------------------------------------------


def bound_scores(subject: Subject) -> Scores:
    """ELBO, its terms, its Monte-Carlo error, and whether the run collapsed."""
    return dict(summarise(subject.measured))


def likelihood_scores(subject: Subject) -> Scores:
    """The importance-weighted bounds; none where p(x|z) is no likelihood."""
    weights = subject.weights
    if weights is None:
        return {}
    whole = {f"nll_{k}": bound_from_sums(weights.sums, k) for k in (SMALL, MIDDLE)}
    part = {
        f"nll_{k}{'' if k == LARGE else '_subset'}": bound_from_sums(weights.subset_sums, k)
        for k in (SMALL, MIDDLE, LARGE)
    }
    return {
        **{name: float(values.mean()) for name, values in (whole | part).items()},
        "nll_500_mc_error": monte_carlo_error(weights.sums),
        "nll_5000_mc_error": monte_carlo_error(weights.subset_sums),
        "nll_5000_images": len(weights.subset),
    }


def annealing_scores(subject: Subject) -> Scores:
    """The likelihood by annealed importance sampling, where it is asked for and p(x|z) is one."""
    if subject.weights is None:
        return {}
    generator = seeded_generator(subject.settings.seed, "annealing")
    return dict(ais_metrics(subject.model, subject.images, subject.settings, generator))


def latent_scores(subject: Subject) -> Scores:
    """What the codes say, and how near all of them together come to the prior."""
    measured, settings = subject.measured, subject.settings
    generator = seeded_generator(settings.seed, "aggregate")
    information = mutual_information(measured.mu, measured.log_var, generator)
    train_images = model_inputs(subject.train, subject.run.binarisation)
    train_mu, _ = posteriors(subject.model, train_images, settings.batch_size)
    return {
        "active_units_0.001": active_units(measured.mu_variance, 0.001),
        "active_units_0.1": active_units(measured.mu_variance, 0.1),
        "mutual_information": information,
        "mutual_information_ceiling": math.log(len(measured.mu)),
        "marginal_kl": float(measured.kl.double().mean()) - information,
        "latent_accuracy": latent_accuracy(
            train_mu.numpy(),
            subject.train.labels.numpy(),
            measured.mu.numpy(),
            subject.test.labels.numpy(),
        ),
    }


def image_scores(subject: Subject) -> Scores:
    """Sharpness and contrast beside the real images."""
    originals = subject.originals
    return {
        "sharpness": sharpness(subject.samples, originals),
        "reconstruction_sharpness": sharpness(subject.reconstructions, originals),
        "contrast": contrast(subject.samples),
        "contrast_data": contrast(originals),
    }


def plane_scores(subject: Subject) -> Scores:
    """How smoothly the decoded plane of a 2-D latent space changes; none for other sizes."""
    if subject.model.latent_dim != 2:
        return {}
    axis = torch.linspace(-PLANE, PLANE, subject.settings.grid_size)
    codes = plane(axis).flatten(0, 1)
    images = mean_images(subject.model, codes, subject.settings.batch_size)
    cells = images.squeeze(1).unflatten(0, (len(axis), len(axis)))
    return {"grid_continuity": grid_continuity(cells)}


MEASURES: tuple[Callable[[Subject], Scores], ...] = (
    bound_scores,
    likelihood_scores,
    annealing_scores,
    latent_scores,
    image_scores,
    plane_scores,
)


def score(subject: Subject, judged: Scores) -> Scores:
    """Every metric, in the order of ``METRICS``; None for those that the run does not have.

    Args:
        subject: what is measured.
        judged: its metrics of ``judging.judge_metrics``.
    """
    found = dict(judged)
    for measuring in MEASURES:
        found |= measuring(subject)
    ordered = {name: _finite(found.pop(name, None)) for name in METRICS}
    return ordered | found


def _finite(value: Score) -> Score:
    """None in place of a NaN, which JSON cannot hold."""
    return None if isinstance(value, float) and not math.isfinite(value) else value

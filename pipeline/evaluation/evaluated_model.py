"""The subject of every measure: a trained model with what several measures need."""

from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import Split
from pipeline.evaluation.bound import BoundEstimate, estimate_bound
from pipeline.evaluation.iwae import log_weight_sums
from pipeline.evaluation.pictures import images_to_show
from pipeline.models import VAE
from pipeline.numerics.hardware import seeded_generator
from pipeline.settings import EvaluateSettings, RunSettings

MIDDLE, LARGE = 500, 5000  # K of the likelihood estimates for all images, and for a subset

# What a measure returns: numbers by their names in ``METRICS``, with None for those that the run
# does not have, and arrays by their names in ``pipeline.schemas.arrays``.
Number = float | int | bool | list[float] | None
Numbers = dict[str, Number]
Measurement = tuple[Numbers, dict[str, NDArray[Any]]]


@dataclass(frozen=True, slots=True, eq=False)
class LogWeights:
    """Sums of importance weights for a split; see ``iwae.log_weight_sums``.

    Attributes:
        sums: (N, 500 / 50), for all images.
        subset: (n,) indices of the images with more draws.
        subset_sums: (n, 5000 / 50), for these images, including their first 500 draws.
    """

    sums: Tensor
    subset: Tensor
    subset_sums: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedModel:
    """A model with what several measures need. Shapes: N test images, d latent dimensions.

    Attributes:
        model: in eval mode.
        run: its settings.
        settings: section ``evaluate``.
        train: the training split.
        test: the test split.
        images: (N, 1, H, W) in [0, 1], the model inputs for the test images.
        bound: the ELBO's terms for the test images.
        weights: for the likelihood estimates; None if p(x|z) is not a likelihood.
        samples: (S, 1, H, W) in [0, 1], mean images decoded from the prior, with the same codes for
            all models of the same latent size.
        reconstructions: (N, 1, H, W) in [0, 1], mean images decoded from the posterior means.
    """

    model: VAE
    run: RunSettings
    settings: EvaluateSettings
    train: Split
    test: Split
    images: Tensor
    bound: BoundEstimate
    weights: LogWeights | None
    samples: Tensor
    reconstructions: Tensor

    @property
    def originals(self) -> Tensor:
        """(N, 1, H, W) in [0, 1], the grey test images."""
        return self.test.images.unsqueeze(1).float() / 255


def prepare_model(
    model: VAE,
    run: RunSettings,
    train: Split,
    test: Split,
    settings: EvaluateSettings,
    *,
    has_likelihood: bool,
) -> EvaluatedModel:
    """Compute what several measures need.

    Args:
        model: in eval mode.
        run: its settings.
        train: the training split.
        test: the split to measure on.
        settings: section ``evaluate``.
        has_likelihood: whether p(x|z) is a likelihood, so that -log p(x) can be estimated.
    """
    # As in training: 15 % faster for convolutions.
    model = model.to(memory_format=torch.channels_last)
    images, batch = model_inputs(test, run.binarisation), settings.batch_size
    generator = seeded_generator(settings.seed, "evaluation")
    bound = estimate_bound(model, images, settings.latent_samples, generator, batch)
    prior = torch.randn(
        settings.prior_samples,
        model.latent_dim,
        generator=seeded_generator(settings.seed, "prior"),
    )
    return EvaluatedModel(
        model=model,
        run=run,
        settings=settings,
        train=train,
        test=test,
        images=images,
        bound=bound,
        weights=_draw_weights(model, images, test, settings) if has_likelihood else None,
        samples=model.mean_images(prior, batch),
        reconstructions=model.mean_images(bound.mu, batch),
    )


def _draw_weights(
    model: VAE, images: Tensor, test: Split, settings: EvaluateSettings
) -> LogWeights:
    """Make 500 draws for every image, and 4,500 more for the subset."""
    generator, batch = seeded_generator(settings.seed, "importance"), settings.batch_size
    sums = log_weight_sums(model, images, MIDDLE, generator, batch)
    count = len(images) if settings.nll_images is None else settings.nll_images
    subset = torch.from_numpy(images_to_show(test.labels.numpy(), count, settings.seed))
    more = log_weight_sums(model, images[subset], LARGE - MIDDLE, generator, batch)
    return LogWeights(sums, subset, torch.cat([sums[subset], more], dim=1))

"""The subjects of measures, made from models, codes and images whose answers are known."""

from typing import Any

import torch
from torch import Tensor

from pipeline.data.prepared import Split
from pipeline.evaluation.bound import BoundEstimate
from pipeline.evaluation.evaluated_model import EvaluatedModel, LogWeights
from pipeline.models import VAE
from pipeline.models.elbo import gaussian_kl
from pipeline.settings import EvaluateSettings, RunSettings, parse_settings
from tests.conftest import make_tiny_params


def evaluate_settings(**changes: Any) -> EvaluateSettings:
    """Section ``evaluate``, small unless told otherwise."""
    settings = parse_settings(make_tiny_params()).evaluate
    return EvaluateSettings.model_validate(settings.model_dump() | changes)


def run_settings(**changes: Any) -> RunSettings:
    """The settings of a run, small unless told otherwise."""
    first = next(iter(parse_settings(make_tiny_params()).runs.values()))
    return RunSettings.model_validate(first.model_dump() | changes)


def split_of(grey: Tensor, labels: Tensor | None = None) -> Split:
    """A split of grey images.

    Args:
        grey: (N, H, W) uint8.
        labels: (N,); by default two classes in turn.
    """
    if labels is None:
        labels = torch.arange(len(grey)) % 2
    return Split(grey, (grey > 127).byte(), labels, hash="of a test")


def evaluated(
    model: VAE,
    mu: Tensor,
    labels: Tensor | None = None,
    *,
    grey: Tensor | None = None,
    train: Split | None = None,
    images: Tensor | None = None,
    log_var: Tensor | None = None,
    reconstruction: Tensor | None = None,
    reconstructions: Tensor | None = None,
    samples: Tensor | None = None,
    weights: LogWeights | None = None,
    **settings: Any,
) -> EvaluatedModel:
    """A subject whose parts are given, not computed from each other.

    Args:
        model: that decodes.
        mu: (N, d) posterior means.
        labels: (N,); by default two classes in turn.
        grey: (N, H, W) uint8, the real images; black by default.
        train: by default the same as the test split.
        images: (N, 1, H, W), as the model sees them; the grey ones by default.
        log_var: (N, d); zeros by default.
        reconstruction: (N,) distortion; zeros by default.
        reconstructions: (N, 1, H, W); decoded from ``mu`` by default.
        samples: (S, 1, H, W); the reconstructions by default.
        weights: of the likelihood.
        settings: changes to section ``evaluate``.
    """
    decoded = model.mean_images(mu.to(model.log_scale.dtype))
    if grey is None:
        grey = torch.zeros(len(mu), *decoded.shape[2:], dtype=torch.uint8)
    if log_var is None:
        log_var = torch.zeros_like(mu)
    if reconstruction is None:
        reconstruction = torch.zeros(len(mu))
    reconstructions = decoded if reconstructions is None else reconstructions
    test = split_of(grey, labels)
    return EvaluatedModel(
        model=model,
        run=run_settings(binarisation="none"),
        settings=evaluate_settings(**settings),
        train=test if train is None else train,
        test=test,
        images=grey.unsqueeze(1).float() / 255 if images is None else images,
        bound=BoundEstimate(mu, log_var, reconstruction.unsqueeze(0), gaussian_kl(mu, log_var)),
        weights=weights,
        samples=reconstructions if samples is None else samples,
        reconstructions=reconstructions,
    )

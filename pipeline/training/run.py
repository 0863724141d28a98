"""A whole training run: from the data to a model with its history."""

from collections.abc import Callable

import torch

from pipeline.data.prepared import PreparedData
from pipeline.models import VAE, ImageShape, build_model, initialise
from pipeline.numerics.hardware import Hardware, seeded_generator
from pipeline.schemas.protocol import Protocol
from pipeline.settings import RunSettings
from pipeline.training.loop import EpochReport, Fit, fit, train_epochs


def train_model(
    settings: RunSettings,
    data: PreparedData,
    hardware: Hardware,
    tell: Callable[[EpochReport], None],
) -> tuple[VAE, Fit]:
    """Train a new model, and return it with the weights of the chosen epoch.

    Args:
        settings: the run's settings.
        data: with the splits ``train`` and ``valid``.
        hardware: what trains.
        tell: called with each epoch's report.
    """
    torch.backends.cudnn.allow_tf32 = False  # TF32 is a third precision, which no protocol mentions
    model = new_model(settings, data)
    train, valid = data.splits["train"], data.splits["valid"]
    return model, fit(model, train_epochs(model, settings, train, valid, hardware), settings, tell)


def new_model(settings: RunSettings, data: PreparedData) -> VAE:
    """Return an initialised model whose output is the mean image of the training split."""
    model = build_model(settings, ImageShape(*data.image_shape))
    mean_image = data.splits["train"].images.float().mean(0) / 255
    initialise(model, mean_image, seeded_generator(settings.seed, "initialisation"))
    return model


def training_protocol(settings: RunSettings, data: PreparedData, hardware: Hardware) -> Protocol:
    """Return the protocol of the numbers in a run's history, which are for the validation split."""
    return Protocol(
        data=data.name,
        split="valid",
        split_hash=data.splits["valid"].hash,
        likelihood=settings.likelihood,
        binarisation=settings.binarisation,
        checkpoint=settings.checkpoint,
        arithmetic=hardware.precision,
    )

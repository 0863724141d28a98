"""The model that a run begins with."""

from pipeline.data.prepared import PreparedData
from pipeline.models import VAE, ImageShape, build_model, initialise
from pipeline.numerics.hardware import seeded_generator
from pipeline.settings import RunSettings


def new_model(settings: RunSettings, data: PreparedData) -> VAE:
    """A model before its first step; its output starts at the training split's mean image."""
    model = build_model(settings, ImageShape(*data.image_shape))
    mean_image = data.splits["train"].images.float().mean(0) / 255
    initialise(model, mean_image, seeded_generator(settings.seed, "initialisation"))
    return model

"""The initial model of a run."""

from pipeline.data.prepared import PreparedData
from pipeline.models import VAE, ImageShape, build_model, initialise
from pipeline.numerics.hardware import seeded_generator
from pipeline.settings import RunSettings


def new_model(settings: RunSettings, data: PreparedData) -> VAE:
    """Return an initialised model whose output is the mean image of the training split."""
    model = build_model(settings, ImageShape(*data.image_shape))
    mean_image = data.splits["train"].images.float().mean(0) / 255
    initialise(model, mean_image, seeded_generator(settings.seed, "initialisation"))
    return model

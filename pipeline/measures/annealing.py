"""-log p(x) by annealed importance sampling, if ``evaluate.ais_images`` asks for it."""

from pipeline.evaluation.ais import ais_nll, bidirectional
from pipeline.evaluation.evaluated_model import EvaluatedModel, Measurement
from pipeline.numerics.hardware import seeded_generator


def measure(subject: EvaluatedModel) -> Measurement:
    """Return ``ais_nll`` for the first images and ``ais_gap`` for as many simulated ones.

    Return nothing if the settings ask for no images or p(x|z) is not a likelihood.
    """
    settings = subject.settings
    images = subject.images[: settings.ais_images]
    if subject.weights is None or not len(images):
        return {}, {}
    generator = seeded_generator(settings.seed, "annealing")
    model, chains, steps = subject.model, settings.ais_chains, settings.ais_steps
    return {
        "ais_nll": ais_nll(model, images, chains, steps, generator).mean().item(),
        "ais_gap": bidirectional(model, len(images), chains, steps, generator).gap,
        "ais_images": len(images),
    }, {}

"""Information about images and classes in the codes, and the codes' distance to the prior."""

import math

from pipeline.data.inputs import model_inputs
from pipeline.evaluation.bound import posteriors
from pipeline.evaluation.evaluated_model import EvaluatedModel, Measurement
from pipeline.evaluation.latents import active_units, latent_accuracy, mutual_information
from pipeline.numerics.hardware import seeded_generator


def measure(subject: EvaluatedModel) -> Measurement:
    """Return active units at other thresholds, information, marginal KL and latent accuracy."""
    bound, settings = subject.bound, subject.settings
    generator = seeded_generator(settings.seed, "aggregate")
    information = mutual_information(bound.mu, bound.log_var, generator)
    train_images = model_inputs(subject.train, subject.run.binarisation)
    train_mu, _ = posteriors(subject.model, train_images, settings.batch_size)
    return {
        "active_units_0.001": active_units(bound.mu_variance, 0.001),
        "active_units_0.1": active_units(bound.mu_variance, 0.1),
        "mutual_information": information,
        "mutual_information_ceiling": math.log(len(bound.mu)),
        "marginal_kl": float(bound.kl.double().mean()) - information,
        "latent_accuracy": latent_accuracy(
            train_mu.numpy(),
            subject.train.labels.numpy(),
            bound.mu.numpy(),
            subject.test.labels.numpy(),
        ),
    }, {}

"""The ELBO and its terms: means over the split, and values per image."""

from pipeline.evaluation.bound import BoundEstimate
from pipeline.evaluation.evaluated_model import EvaluatedModel, Measurement, Numbers
from pipeline.evaluation.latents import active_units

COLLAPSED_KL = 0.1  # nats; below it, the code carries no information


def measure(subject: EvaluatedModel) -> Measurement:
    """Return the ELBO, its terms and its error, whether the run collapsed, and all codes."""
    bound = subject.bound
    return summarise(bound), {
        "mu": bound.mu.numpy(),
        "log_var": bound.log_var.numpy(),
        "labels": subject.test.labels.numpy(),
        "mu_variance": bound.mu_variance.numpy(),
        "kl_per_dim": bound.kl_per_dim.mean(0).numpy(),
        "elbo": bound.elbo.numpy(),
        "reconstruction": bound.reconstruction.numpy(),
        "kl": bound.kl.numpy(),
    }


def summarise(bound: BoundEstimate) -> Numbers:
    """Return the run's metrics by name: means of the per-image values over the split."""
    reconstruction = bound.reconstruction.double().mean().item()
    kl_per_dim = bound.kl_per_dim.double().mean(0)
    kl = kl_per_dim.sum().item()
    units = active_units(bound.mu_variance)
    return {
        "elbo": -(reconstruction + kl),
        "elbo_mc_error": bound.elbo_mc_error,
        "reconstruction": reconstruction,
        "kl": kl,
        "kl_per_dim": [round(value, 6) for value in kl_per_dim.tolist()],
        "active_units": units,
        "collapsed": units == 0 or kl < COLLAPSED_KL,
    }

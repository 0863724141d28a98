"""The importance-weighted bounds on -log p(x), with K = 50, 500 and 5,000 draws per image."""

from pipeline.evaluation.evaluated_model import LARGE, MIDDLE, EvaluatedModel, Measurement
from pipeline.evaluation.iwae import bound_from_sums, monte_carlo_error

SMALL = 50


def measure(subject: EvaluatedModel) -> Measurement:
    """Return the bounds and their errors; nothing if p(x|z) is not a likelihood."""
    weights = subject.weights
    if weights is None:
        return {}, {}
    whole = {f"nll_{k}": bound_from_sums(weights.sums, k) for k in (SMALL, MIDDLE)}
    part = {
        f"nll_{k}{'' if k == LARGE else '_subset'}": bound_from_sums(weights.subset_sums, k)
        for k in (SMALL, MIDDLE, LARGE)
    }
    numbers = {name: float(values.mean()) for name, values in (whole | part).items()}
    return {
        **numbers,
        "nll_500_mc_error": monte_carlo_error(weights.sums),
        "nll_5000_mc_error": monte_carlo_error(weights.subset_sums),
        "nll_5000_images": len(weights.subset),
    }, {
        "nll_500": whole["nll_500"].numpy(),
        "nll_5000": part["nll_5000"].numpy(),
        "nll_5000_indices": weights.subset.numpy(),
    }

"""The names of all reported numbers, with label, unit and direction. Free of torch."""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One reported number.

    Attributes:
        name: column in ``results/metrics.csv``; ``test/<name>`` in MLflow.
        label: heading for people.
        unit: ``nats`` is nats per image.
        better: which direction is better; ``neither`` for a number that describes.
        definition: one sentence.
    """

    name: str
    label: str
    unit: str
    better: Direction
    definition: str

    @property
    def sign(self) -> int:
        """1 if higher is better, -1 if lower is, 0 if neither."""
        return {"higher": 1, "lower": -1, "neither": 0}[self.better]


ELBO = Metric(
    "elbo",
    "ELBO",
    "nats",
    "higher",
    "Evidence lower bound with beta = 1: -(reconstruction + KL).",
)
RECONSTRUCTION = Metric(
    "reconstruction",
    "Reconstruction",
    "nats",
    "lower",
    "Distortion: minus the expected log-likelihood of the image given its code.",
)
KL = Metric(
    "kl",
    "KL",
    "nats",
    "neither",
    "Rate: divergence of the approximate posterior from the standard normal prior.",
)
ACTIVE_UNITS = Metric(
    "active_units",
    "Active units",
    "dimensions",
    "neither",
    "Latent dimensions whose posterior mean has a variance above 0.01 over the split.",
)

METRICS: dict[str, Metric] = {
    metric.name: metric for metric in (ELBO, RECONSTRUCTION, KL, ACTIVE_UNITS)
}

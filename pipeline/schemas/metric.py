"""The description of a reported number. Free of torch."""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower", "neither"]
Group = Literal["bound", "likelihood", "latent", "images", "judge", "paths"]
Need = Literal["likelihood", "plane", "classes", "option"]

GROUPS: dict[Group, str] = {
    "bound": "Evidence lower bound",
    "likelihood": "Likelihood estimates",
    "latent": "Latent space",
    "images": "Appearance of images",
    "judge": "Samples as seen by the judge",
    "paths": "Paths between codes, and the latent plane",
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One reported number.

    Attributes:
        name: column in ``results/metrics.csv``; ``test/<name>`` in MLflow.
        label: name for display.
        unit: unit for display; ``nats`` are nats per image.
        better: which direction is better; ``neither`` for a descriptive number.
        definition: one sentence.
        group: the metrics that it is shown with.
        main: whether it is also part of the comparison of all configurations.
        digits: digits after the decimal point, for display.
        interval: whether an interval over seeds is meaningful; not for an estimator's error.
        of_likelihood: whether it is computed from p(x|z), and is a likelihood only if p(x|z) is.
        needs: what a run must have for the number to exist: ``likelihood``, a p(x|z) that is a
            likelihood; ``plane``, two latent dimensions; ``classes``, several in the split;
            ``option``, a setting that asks for it.
        is_label: whether it is the index of a class, which has no mean.
    """

    name: str
    label: str
    unit: str
    better: Direction
    definition: str
    group: Group = "bound"
    main: bool = False
    digits: int = 2
    interval: bool = True
    of_likelihood: bool = False
    needs: tuple[Need, ...] = ()
    is_label: bool = False

    @property
    def sign(self) -> int:
        """1 if higher is better, -1 if lower is, 0 if neither."""
        return {"higher": 1, "lower": -1, "neither": 0}[self.better]

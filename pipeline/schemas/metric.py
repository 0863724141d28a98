"""What is recorded of a reported number beside its value. Free of torch."""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower", "neither"]
Group = Literal["bound", "likelihood", "latent", "images", "judge", "paths"]
Need = Literal["likelihood", "plane", "classes", "option"]

GROUPS: dict[Group, str] = {
    "bound": "The bound",
    "likelihood": "Likelihood estimate",
    "latent": "The latent space",
    "images": "How images look",
    "judge": "Samples before the judge",
    "paths": "Paths between codes, and the plane",
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One reported number.

    Attributes:
        name: column in ``results/metrics.csv``; ``test/<name>`` in MLflow.
        label: heading for people.
        unit: ``nats`` is nats per image.
        better: which direction is better; ``neither`` for a number that describes.
        definition: one sentence.
        group: what it is shown with.
        main: whether it stands in the comparison of all configurations as well.
        digits: behind the point, for people.
        interval: whether an interval over seeds means something; not of an estimator's error.
        of_likelihood: whether it is made from p(x|z), and so is no likelihood where that is none.
        needs: what a run must have, or its number is empty: ``likelihood``, a p(x|z) that is one;
            ``plane``, two latent dimensions; ``classes``, several in the split; ``option``, a
            setting that asks for it.
        is_label: whether it is the number of a class, which has no mean.
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

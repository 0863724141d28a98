"""What statements are decided from: the four models that they speak of, and what else there is.

The four are linear and conv, each with two latent sizes: 2 and 10, or else the smallest and the
largest that both have. Other sizes decide nothing and stand beside them. Of several betas it is the
plain one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.estimate.intervals import Interval, contrast_interval
from analysis.estimate.verdicts import PAIR
from analysis.read.arrays import Array
from analysis.read.frames import Results, model_name, plain_beta
from analysis.words import NBSP, join_and, pluralise
from pipeline.schemas.judged_metrics import JUDGED, PATHS, PLANE
from pipeline.schemas.metric import Metric
from pipeline.schemas.metrics import ELBO
from pipeline.schemas.protocol import Protocol

ARCHITECTURES = ("linear", "conv")  # conv is compared with linear

Model = tuple[str, int]  # architecture and latent size


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a statement is about, measured by a metric.

    Attributes:
        label: in a sentence.
        metric: whose unit and digits it has.
        sign: -1 for minus the metric.
    """

    label: str
    metric: Metric
    sign: int = 1


LOSS = Quantity(f"Loss, which is the negative ELBO with beta{NBSP}={NBSP}1", ELBO, -1)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models that differ in one factor; the effect is the first minus the second.

    Attributes:
        label: what both share, or what else tells the pair from others.
        subject: the first.
        reference: the second.
    """

    label: str
    subject: Model
    reference: Model


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Results as the statements see them.

    Attributes:
        runs: all of them.
        plain: those of the plain beta.
        history: of all runs.
        borders: of 2-D runs, by run: (C, 2), a class and how many others it borders.
        classes: their names; empty if unknown.
        protocol: of all runs.
        confidence: coverage of every interval, in (0, 1).
        architectures: linear and conv, or the one that there is.
        sizes: two latent sizes, or the one that there is, that all of these have.
        others: further latent sizes that all of these have.
    """

    runs: pd.DataFrame
    plain: pd.DataFrame
    history: pd.DataFrame
    borders: Mapping[str, Array]
    classes: tuple[str, ...]
    protocol: Protocol
    confidence: float
    architectures: tuple[str, ...]
    sizes: tuple[int, ...]
    others: tuple[int, ...]

    @property
    def models(self) -> list[Model]:
        """The four, or fewer."""
        return [(name, size) for name in self.architectures for size in self.sizes]

    def of(self, model: Model) -> pd.DataFrame:
        """The runs of one model with the plain beta."""
        architecture, size = model
        rows = (self.plain["architecture"] == architecture) & (self.plain["latent_dim"] == size)
        return self.plain[rows]

    def values(self, quantity: Quantity, model: Model) -> list[float]:
        """The quantity of each run of a model that has it."""
        name = quantity.metric.name
        runs = self.of(model)
        return (quantity.sign * runs[name].dropna()).tolist() if name in runs else []

    def mean(self, quantity: Quantity, models: Sequence[Model]) -> Interval:
        """Mean over models, each of which counts alike, whatever its number of runs."""
        groups = [self.values(quantity, model) for model in models]
        return contrast_interval(groups, [1 / len(models)] * len(models), self.confidence)

    def difference(self, quantity: Quantity, pairs: Sequence[Pair]) -> Interval:
        """Mean over pairs of subject minus reference."""
        groups, coefficients = [], []
        for pair in pairs:
            groups += [self.values(quantity, model) for model in (pair.subject, pair.reference)]
            coefficients += [1 / len(pairs), -1 / len(pairs)]
        return contrast_interval(groups, coefficients, self.confidence)

    def lacking(self, quantity: Quantity, models: Sequence[Model]) -> str:
        """Why the quantity has no interval in these models, in a sentence; empty if it has."""
        amounts = {model: len(self.values(quantity, model)) for model in models}
        if 0 in amounts.values():
            name = quantity.metric.name
            if quantity.metric in (*JUDGED, *PATHS, *PLANE) and not self.protocol.judge:
                return f"No judge saw what the models draw, so there is no {name}."
            return f"The results hold no {name}; dvc repro measures it."
        single = [model_name(*model) for model, amount in amounts.items() if amount == 1]
        return f"One seed only of {join_and(single)}, which gives no interval." if single else ""

    def collapsed(self, models: Sequence[Model]) -> str:
        """How many runs of these models collapsed, as a sentence; empty for none."""
        flags = pd.concat([self.of(model)["collapsed"] for model in models])
        return f"{flags.sum()} of {pluralise(len(flags), 'run')} collapsed." if flags.any() else ""


def gather(results: Results, borders: Mapping[str, Array], confidence: float) -> Evidence:
    """Choose the models that the statements speak of.

    Args:
        results: all exported numbers.
        borders: of ``arrays.load_borders``.
        confidence: coverage of every interval, in (0, 1).
    """
    runs = results.runs
    plain = runs[runs["beta"] == plain_beta(runs)]
    architectures = tuple(name for name in ARCHITECTURES if name in set(plain["architecture"]))
    sizes_of = [set(plain[plain["architecture"] == name]["latent_dim"]) for name in architectures]
    common = sorted(set.intersection(*sizes_of)) if sizes_of else []
    ends = (common[0], common[-1]) if len(common) > 1 else tuple(common)
    sizes = PAIR if set(PAIR) <= set(common) else ends
    return Evidence(
        runs=runs,
        plain=plain,
        history=results.history,
        borders=borders,
        classes=results.data.classes if results.data else (),
        protocol=results.protocol,
        confidence=confidence,
        architectures=architectures,
        sizes=sizes,
        others=tuple(size for size in common if size not in sizes),
    )


def pairs_of_architectures(evidence: Evidence, sizes: Sequence[int]) -> list[Pair]:
    """Conv against linear at each of these sizes; none if one of both is missing."""
    if len(evidence.architectures) < len(ARCHITECTURES):
        return []
    reference, subject = ARCHITECTURES
    return [
        Pair(pluralise(size, "dimension"), (subject, size), (reference, size)) for size in sizes
    ]


def pairs_of_sizes(architectures: Sequence[str], large: int, small: int) -> list[Pair]:
    """One latent size against another in each of these architectures."""
    return [Pair(name, (name, large), (name, small)) for name in architectures]

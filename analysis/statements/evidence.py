"""The evidence behind the statements: the four models they are about, and everything else.

The four are linear and conv, each with two latent sizes: 2 and 10, or else the smallest and the
largest that both have. Other sizes are shown but do not affect any verdict. If there are several
betas, only the default one counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.estimate.intervals import Interval, contrast_interval
from analysis.estimate.verdicts import PAIR
from analysis.read.arrays import Array
from analysis.read.frames import Results, model_name, plain_beta
from analysis.words import NBSP, join_and, pluralise
from pipeline.schemas.metric import Metric
from pipeline.schemas.metrics import ELBO
from pipeline.schemas.protocol import Protocol

ARCHITECTURES = ("linear", "conv")  # conv is compared with linear

Model = tuple[str, int]  # architecture and latent size


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a statement is about, measured by a metric.

    Attributes:
        label: its name in a sentence.
        metric: which measures it, in the same unit and digits.
        sign: -1 for minus the metric.
    """

    label: str
    metric: Metric
    sign: int = 1


LOSS = Quantity(f"Loss (the negative ELBO, beta{NBSP}={NBSP}1)", ELBO, -1)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models that differ in one factor; the effect is the first minus the second.

    Attributes:
        label: what both share, or what else identifies the pair.
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
        runs: all runs.
        plain: the runs with the default beta.
        history: training history of all runs.
        borders: for each 2-D run, (C, 2): a class and the number of others it borders.
        classes: names of the classes; empty if unknown.
        protocol: shared by all runs.
        confidence: coverage of every interval, in (0, 1).
        architectures: linear and conv, or the one that exists.
        sizes: the two latent sizes (or the only one) that all of these architectures have.
        others: further latent sizes that all of these architectures have.
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
        """The runs of one model with the default beta."""
        architecture, size = model
        rows = (self.plain["architecture"] == architecture) & (self.plain["latent_dim"] == size)
        return self.plain[rows]

    def values(self, quantity: Quantity, model: Model) -> list[float]:
        """The quantity in each run of a model that has it."""
        name = quantity.metric.name
        runs = self.of(model)
        return (quantity.sign * runs[name].dropna()).tolist()

    def mean(self, quantity: Quantity, models: Sequence[Model]) -> Interval:
        """Mean over models, each with equal weight regardless of its number of runs."""
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
        """A sentence on why the quantity has no interval for these models; empty if it has one."""
        amounts = {model: len(self.values(quantity, model)) for model in models}
        if 0 in amounts.values():
            return f"The results contain no {quantity.metric.name}."
        single = [model_name(*model) for model, amount in amounts.items() if amount == 1]
        return f"Only one seed of {join_and(single)}, so there is no interval." if single else ""

    def collapsed(self, models: Sequence[Model]) -> str:
        """A sentence on how many runs of these models collapsed; empty for none."""
        flags = pd.concat([self.of(model)["collapsed"] for model in models])
        return f"{flags.sum()} of {pluralise(len(flags), 'run')} collapsed." if flags.any() else ""


def gather(results: Results, borders: Mapping[str, Array], confidence: float) -> Evidence:
    """Choose the models that the statements are about.

    Args:
        results: all exported numbers.
        borders: from ``arrays.load_borders``.
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
    """Conv against linear at each of these sizes; none if either is missing."""
    if len(evidence.architectures) < len(ARCHITECTURES):
        return []
    reference, subject = ARCHITECTURES
    return [
        Pair(pluralise(size, "dimension"), (subject, size), (reference, size)) for size in sizes
    ]


def pairs_of_sizes(architectures: Sequence[str], large: int, small: int) -> list[Pair]:
    """One latent size against another in each of these architectures."""
    return [Pair(name, (name, large), (name, small)) for name in architectures]

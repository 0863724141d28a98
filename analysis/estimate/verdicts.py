"""Differences between configurations, and the verdicts on them.

A difference is *better* or *worse* (*higher* or *lower*, of a metric without a better direction) if
its p-value is significant after Holm's correction over the family: all comparisons of one factor in
one metric. It is *borderline* if only the plain interval over seeds excludes zero, *equivalent* if
the interval lies within a margin stated beforehand, and *not distinguishable* otherwise. The
interval over images is shown next to it but does not affect the verdict: it is about these
particular models, not about others that the same settings would produce.
"""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import pandas as pd

from analysis.estimate.bootstrap import ImageBootstrap
from analysis.estimate.intervals import Interval, contrast_interval, probability_of_improvement
from analysis.estimate.significance import contrast_p, holm
from analysis.read.frames import beta_name
from analysis.words import pluralise
from pipeline.schemas.metric import Metric
from pipeline.schemas.metrics import ELBO

Verdict = Literal[
    "better",
    "worse",
    "higher",
    "lower",
    "borderline",
    "equivalent",
    "not distinguishable",
    "unknown",
]
Factor = Literal["architecture", "latent size"]
T = TypeVar("T")
PAIR = (2, 10)  # the latent sizes that the study is about
NO_IMAGES = ImageBootstrap({})


@dataclass(frozen=True, slots=True)
class Rule:
    """What decides a verdict, stated before the numbers are known.

    Attributes:
        confidence: coverage of every interval, in (0, 1); its complement is the level of tests.
        margin: nats per image within which two likelihoods are equivalent; other metrics have no
            margin.
    """

    confidence: float = 0.95
    margin: float = 0.5

    @property
    def level(self) -> float:
        """The level of the tests: below it, a corrected p-value is significant."""
        return round(1 - self.confidence, 12)  # 0.05 exactly, in spite of binary fractions


Values = Sequence[float]  # one per seed


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference and the verdict on it.

    Attributes:
        interval: subject minus reference, in the metric's unit, with the interval over seeds.
        p_holm: its p-value with Holm's correction over the family; NaN with one seed.
        verdict: the verdict on the subject.
    """

    interval: Interval
    p_holm: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class RunDifference(Difference):
    """A difference between runs, which also have values per image.

    Attributes:
        over_images: the same difference with the interval over test images.
        improvement: probability that a run of the subject is better than one of the reference,
            averaged over the pairs; NaN if the metric has no better direction.
        seeds: number of runs of subject and of reference.
        collapsed: number of them that collapsed.
    """

    over_images: Interval
    improvement: float
    seeds: tuple[int, int]
    collapsed: int


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """One configuration compared with another that differs in one factor.

    Attributes:
        factor: what differs.
        subject: display name of the configuration that the verdict is about.
        reference: display name of the one it is compared with.
        setting: what both share, e.g. ``10 dimensions``.
        change: the difference in short, e.g. ``conv against linear``.
        latent_dim: latent size of the subject.
        beta: beta of both.
        difference: subject minus reference, in the metric's unit, with the interval over seeds.
        p_holm: Welch's p-value with Holm's correction over the family; NaN with one seed.
        over_images: the same with the interval over test images, for these trained models.
        improvement: probability that a run of the subject is better than one of the reference;
            NaN if the metric has no better direction.
        seeds: number of runs of subject and of reference.
        collapsed: number of them that collapsed.
        verdict: the verdict on the subject.
    """

    factor: Factor
    subject: str
    reference: str
    setting: str
    change: str
    latent_dim: int
    beta: float
    difference: Interval
    p_holm: float
    over_images: Interval
    improvement: float
    seeds: tuple[int, int]
    collapsed: int
    verdict: Verdict

    @property
    def label(self) -> str:
        """What is compared, and where: ``conv against linear, 10 dimensions``."""
        return f"{self.change}, {self.setting}"


def decide(difference: Interval, p_holm: float, metric: Metric, rule: Rule) -> Verdict:
    """Return the verdict on a difference.

    Args:
        difference: with Welch's interval over seeds.
        p_holm: its p-value with Holm's correction over the family.
        metric: defines which direction is better, and whether the margin applies.
        rule: what decides.
    """
    if not difference.is_known:
        return "unknown"
    if p_holm < rule.level:
        if metric.sign == 0:
            return "higher" if difference.mean > 0 else "lower"
        return "better" if metric.sign * difference.mean > 0 else "worse"
    if difference.low > 0 or difference.high < 0:
        return "borderline"
    if metric.of_likelihood and -rule.margin <= difference.low <= difference.high <= rule.margin:
        return "equivalent"
    return "not distinguishable"


def compare_values(
    family: Sequence[Sequence[tuple[Values, Values]]], metric: Metric, rule: Rule
) -> list[Difference]:
    """Decide one family of differences.

    Args:
        family: each difference is the mean over its pairs of subject minus reference, such as one
            pair for a cell, or one per cell for a level of a factor.
        metric: what the values are.
        rule: what decides.

    Returns:
        One per member of the family, with Welch's interval, and p-values corrected over all.
    """
    contrasts = [_contrast(pairs) for pairs in family]
    intervals = [contrast_interval(*contrast, rule.confidence) for contrast in contrasts]
    p_values = holm([contrast_p(*contrast) for contrast in contrasts])
    return [
        Difference(interval, p_holm, decide(interval, p_holm, metric, rule))
        for interval, p_holm in zip(intervals, p_values, strict=True)
    ]


def compare_runs(
    family: Sequence[Sequence[tuple[pd.DataFrame, pd.DataFrame]]],
    metric: Metric,
    rule: Rule,
    images: ImageBootstrap = NO_IMAGES,
) -> list[RunDifference]:
    """Decide one family of differences between runs: the comparison behind every verdict on them.

    Args:
        family: as in ``compare_values``, with the runs of a configuration in place of its values.
        metric: the metric to compare.
        rule: what decides.
        images: bootstrap of the metric's per-image values, by ``run``; without it, no interval over
            images.
    """
    values = [
        [
            (subject[metric.name].tolist(), reference[metric.name].tolist())
            for subject, reference in pairs
        ]
        for pairs in family
    ]
    found = []
    for pairs, own, decided in zip(
        family, values, compare_values(values, metric, rule), strict=True
    ):
        names = _contrast(
            [(ours["run"].tolist(), theirs["run"].tolist()) for ours, theirs in pairs]
        )
        found.append(
            RunDifference(
                interval=decided.interval,
                p_holm=decided.p_holm,
                verdict=decided.verdict,
                over_images=images.contrast(*names, rule.confidence),
                improvement=_improvement(own, metric),
                seeds=(
                    sum(len(subject) for subject, _ in pairs),
                    sum(len(reference) for _, reference in pairs),
                ),
                collapsed=sum(int(side["collapsed"].sum()) for pair in pairs for side in pair),
            )
        )
    return found


def _improvement(pairs: Sequence[tuple[Values, Values]], metric: Metric) -> float:
    if metric.sign == 0:
        return math.nan
    return statistics.fmean(probability_of_improvement(*pair, metric) for pair in pairs)


def _contrast(pairs: Sequence[tuple[T, T]]) -> tuple[list[T], list[float]]:
    """Return groups and coefficients of the mean over pairs of the first minus the second."""
    weight = 1 / len(pairs)
    return [side for pair in pairs for side in pair], [weight, -weight] * len(pairs)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two groups of runs to compare, each of one configuration, with what is said of them."""

    subject: pd.DataFrame
    reference: pd.DataFrame
    setting: str
    change: str


def compare_architectures(
    runs: pd.DataFrame, rule: Rule, metric: Metric = ELBO, images: ImageBootstrap = NO_IMAGES
) -> list[ModelComparison]:
    """Compare conv with linear, or any two architectures, at every latent size and beta they share.

    Args:
        runs: from ``load_results``.
        rule: what decides.
        metric: the metric to compare.
        images: bootstrap of the metric's per-image values; without it, no interval over images.
    """
    pairs = []
    for _, cell in runs.groupby(["latent_dim", "beta"]):
        latent_dim, beta = cell["latent_dim"].iloc[0], cell["beta"].iloc[0]
        names = list(dict.fromkeys(cell["architecture"]))
        pairs += [
            Pair(
                cell[cell["architecture"] == subject],
                cell[cell["architecture"] == reference],
                setting=pluralise(int(latent_dim), "dimension") + _beta(runs, beta, "and"),
                change=f"{subject} against {reference}",
            )
            for reference, subject in itertools.combinations(names, 2)
        ]
    return _compare(pairs, "architecture", rule, metric, images)


def compare_sizes(
    runs: pd.DataFrame, rule: Rule, metric: Metric = ELBO, images: ImageBootstrap = NO_IMAGES
) -> list[ModelComparison]:
    """Compare 10 with 2, then each latent size with the next smaller one, in each architecture.

    Args:
        runs: from ``load_results``.
        rule: what decides.
        metric: the metric to compare.
        images: bootstrap of the metric's per-image values; without it, no interval over images.
    """
    steps: set[tuple[int, int]] = set()
    cells = [cell for _, cell in runs.groupby(["architecture", "beta"], sort=False)]
    for cell in cells:
        sizes = sorted(set(cell["latent_dim"]))
        steps |= set(itertools.pairwise(sizes)) | ({PAIR} if set(PAIR) <= set(sizes) else set())
    pairs = [
        Pair(
            cell[cell["latent_dim"] == large],
            cell[cell["latent_dim"] == small],
            setting=cell["architecture"].iloc[0] + _beta(runs, cell["beta"].iloc[0], "at"),
            change=f"{large} against {small}",
        )
        for small, large in sorted(steps, key=lambda step: (step != PAIR, step))
        for cell in cells
        if {small, large} <= set(cell["latent_dim"])
    ]
    return _compare(pairs, "latent size", rule, metric, images)


def _beta(runs: pd.DataFrame, beta: float, word: str) -> str:
    return f" {word} {beta_name(beta)}" if runs["beta"].nunique() > 1 else ""


def _compare(
    pairs: Sequence[Pair], factor: Factor, rule: Rule, metric: Metric, images: ImageBootstrap
) -> list[ModelComparison]:
    """Compare the pairs of one family."""
    differences = compare_runs(
        [[(pair.subject, pair.reference)] for pair in pairs], metric, rule, images
    )
    return [
        ModelComparison(
            factor=factor,
            subject=str(pair.subject["model"].iloc[0]),
            reference=str(pair.reference["model"].iloc[0]),
            setting=pair.setting,
            change=pair.change,
            latent_dim=int(pair.subject["latent_dim"].iloc[0]),
            beta=float(pair.subject["beta"].iloc[0]),
            difference=one.interval,
            p_holm=one.p_holm,
            over_images=one.over_images,
            improvement=one.improvement,
            seeds=one.seeds,
            collapsed=one.collapsed,
            verdict=one.verdict,
        )
        for pair, one in zip(pairs, differences, strict=True)
    ]

"""Differences between configurations, and the verdicts on them.

A difference counts as *better* or *worse* if its interval over seeds excludes zero, and as *not
distinguishable* if it does not. Intervals are not corrected for multiple comparisons. The interval
over images is shown next to it but does not affect the verdict: it is about these particular
models, not about others that the same settings would produce.
"""

import itertools
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from analysis.estimate.bootstrap import ImageBootstrap
from analysis.estimate.intervals import Interval, difference_interval, probability_of_improvement
from analysis.read.frames import beta_name
from analysis.words import pluralise
from pipeline.schemas.metric import Metric
from pipeline.schemas.metrics import ELBO

Verdict = Literal["better", "worse", "not distinguishable", "unknown"]
Factor = Literal["architecture", "latent size"]
PAIR = (2, 10)  # the latent sizes that the study is about
NO_IMAGES = ImageBootstrap({})


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """One configuration compared with another that differs in one factor.

    Attributes:
        factor: what differs.
        subject: display name of the configuration that the verdict is about.
        reference: display name of the one it is compared with.
        setting: what both share, e.g. ``10 dimensions``.
        change: the difference in short, e.g. ``conv against linear``.
        beta: beta of both.
        difference: subject minus reference, in the metric's unit, with the interval over seeds.
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
    beta: float
    difference: Interval
    over_images: Interval
    improvement: float
    seeds: tuple[int, int]
    collapsed: int
    verdict: Verdict


def verdict_of(difference: Interval, metric: Metric) -> Verdict:
    """Return the verdict on a difference, given the metric's better direction."""
    if not difference.is_known or metric.sign == 0:
        return "unknown"
    if difference.low > 0 or difference.high < 0:
        return "better" if metric.sign * difference.mean > 0 else "worse"
    return "not distinguishable"


def compare_architectures(
    runs: pd.DataFrame,
    confidence: float,
    metric: Metric = ELBO,
    images: ImageBootstrap = NO_IMAGES,
) -> list[ModelComparison]:
    """Compare conv with linear, or any two architectures, at every latent size and beta they share.

    Args:
        runs: from ``load_results``.
        confidence: coverage of every interval, in (0, 1).
        metric: the metric to compare.
        images: bootstrap of the metric's per-image values; without it, no interval over images.
    """
    comparisons = []
    for _, cell in runs.groupby(["latent_dim", "beta"]):
        latent_dim, beta = cell["latent_dim"].iloc[0], cell["beta"].iloc[0]
        names = list(dict.fromkeys(cell["architecture"]))
        for reference, subject in itertools.combinations(names, 2):
            comparisons.append(
                _compare(
                    cell[cell["architecture"] == subject],
                    cell[cell["architecture"] == reference],
                    factor="architecture",
                    setting=pluralise(int(latent_dim), "dimension") + _beta(runs, beta, "and"),
                    change=f"{subject} against {reference}",
                    confidence=confidence,
                    metric=metric,
                    images=images,
                )
            )
    return comparisons


def compare_sizes(
    runs: pd.DataFrame,
    confidence: float,
    metric: Metric = ELBO,
    images: ImageBootstrap = NO_IMAGES,
) -> list[ModelComparison]:
    """Compare 10 with 2, then each latent size with the next smaller one, in each architecture.

    Args:
        runs: from ``load_results``.
        confidence: coverage of every interval, in (0, 1).
        metric: the metric to compare.
        images: bootstrap of the metric's per-image values; without it, no interval over images.
    """
    steps: set[tuple[int, int]] = set()
    cells = [cell for _, cell in runs.groupby(["architecture", "beta"], sort=False)]
    for cell in cells:
        sizes = sorted(set(cell["latent_dim"]))
        steps |= set(itertools.pairwise(sizes)) | ({PAIR} if set(PAIR) <= set(sizes) else set())
    comparisons = []
    for small, large in sorted(steps, key=lambda step: (step != PAIR, step)):
        for cell in cells:
            subject, reference = (
                cell[cell["latent_dim"] == large],
                cell[cell["latent_dim"] == small],
            )
            if subject.empty or reference.empty:
                continue
            comparisons.append(
                _compare(
                    subject,
                    reference,
                    factor="latent size",
                    setting=cell["architecture"].iloc[0] + _beta(runs, cell["beta"].iloc[0], "at"),
                    change=f"{large} against {small}",
                    confidence=confidence,
                    metric=metric,
                    images=images,
                )
            )
    return comparisons


def _beta(runs: pd.DataFrame, beta: float, word: str) -> str:
    return f" {word} {beta_name(beta)}" if runs["beta"].nunique() > 1 else ""


def _compare(
    subject: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    factor: Factor,
    setting: str,
    change: str,
    confidence: float,
    metric: Metric,
    images: ImageBootstrap,
) -> ModelComparison:
    ours, theirs = subject[metric.name].tolist(), reference[metric.name].tolist()
    difference = difference_interval(ours, theirs, confidence)
    return ModelComparison(
        factor=factor,
        subject=str(subject["model"].iloc[0]),
        reference=str(reference["model"].iloc[0]),
        setting=setting,
        change=change,
        beta=float(subject["beta"].iloc[0]),
        difference=difference,
        over_images=images.difference(
            subject["run"].tolist(), reference["run"].tolist(), confidence
        ),
        improvement=probability_of_improvement(ours, theirs, metric),
        seeds=(len(subject), len(reference)),
        collapsed=int(subject["collapsed"].sum() + reference["collapsed"].sum()),
        verdict=verdict_of(difference, metric),
    )

"""Differences between configurations, and what they let one say.

A difference counts as *better* or *worse* when its interval over seeds leaves out zero, and as
*not distinguishable* when it does not. The intervals are not widened for their number. The interval
over images stands beside it and decides nothing: it is about these very models, not about others
that the same settings would train.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from analysis.bootstrap import ImageBootstrap
from analysis.frames import beta_name, plain_beta
from analysis.statistics import (
    Interval,
    difference_interval,
    interval_of,
    probability_of_improvement,
)
from analysis.words import CAVEAT, counted, estimate, listing, percent
from pipeline.metric import Metric
from pipeline.metrics import ELBO
from pipeline.protocol import Protocol

Word = Literal["better", "worse", "not distinguishable", "unknown"]
Factor = Literal["architecture", "latent size"]
PAIR = (2, 10)  # the latent sizes that the study is about
NO_IMAGES = ImageBootstrap({})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One configuration against another that differs in one factor.

    Attributes:
        factor: what differs.
        subject: display name of the configuration that is judged.
        reference: display name of the one it is judged against.
        setting: what both share, e.g. ``10 dimensions``.
        change: the difference in short, e.g. ``conv against linear``.
        beta: of both.
        difference: subject minus reference, in the metric's unit, with the interval over seeds.
        over_images: the same with the interval over test images, of these trained models.
        improvement: probability that a run of the subject is better than one of the reference;
            NaN where neither direction is better.
        seeds: runs of subject and of reference.
        collapsed: runs among them that collapsed.
        word: the verdict on the subject.
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
    word: Word


@dataclass(frozen=True, slots=True)
class Answer:
    """A question of the study with its answer in sentences."""

    question: str
    text: str


def judge(difference: Interval, metric: Metric) -> Word:
    """The verdict on a difference, by the metric's better direction."""
    if not difference.is_known or metric.sign == 0:
        return "unknown"
    if metric.sign * difference.low > 0 or metric.sign * difference.high < 0:
        return "better" if metric.sign * difference.mean > 0 else "worse"
    return "not distinguishable"


def compare_architectures(
    runs: pd.DataFrame,
    confidence: float,
    metric: Metric = ELBO,
    images: ImageBootstrap = NO_IMAGES,
) -> list[Comparison]:
    """Conv against linear, or any two architectures, wherever both have a latent size and beta.

    Args:
        runs: of ``load_results``.
        confidence: coverage of every interval, in (0, 1).
        metric: to compare.
        images: over the metric's values of every image; without, no interval over images is known.
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
                    setting=counted(int(latent_dim), "dimension") + _beta(runs, beta, "and"),
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
) -> list[Comparison]:
    """10 against 2, then each latent size against the next smaller one, in each architecture.

    Args:
        runs: of ``load_results``.
        confidence: coverage of every interval, in (0, 1).
        metric: to compare.
        images: over the metric's values of every image; without, no interval over images is known.
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
) -> Comparison:
    ours, theirs = subject[metric.name].tolist(), reference[metric.name].tolist()
    difference = difference_interval(ours, theirs, confidence)
    return Comparison(
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
        word=judge(difference, metric),
    )


# --- sentences ----------------------------------------------------------------------------------


def answers(
    runs: pd.DataFrame,
    summary: pd.DataFrame,
    architectures: Sequence[Comparison],
    sizes: Sequence[Comparison],
    protocol: Protocol,
    confidence: float,
) -> list[Answer]:
    """The short answer: the best configuration, the architecture, the latent size."""
    # With several betas, all comparisons stand in the figure; the answer takes one beta.
    beta = plain_beta(summary)
    architectures = [comparison for comparison in architectures if comparison.beta == beta]
    sizes = [comparison for comparison in sizes if comparison.beta == beta]
    found = [
        Answer("Which configuration is best?", _best(runs, summary, protocol, confidence)),
        Answer("Linear or convolutional?", _architecture_sentences(architectures)),
        Answer("How many dimensions?", _size_sentences(sizes)),
    ]
    return [answer for answer in found if answer.text]


def _best(runs: pd.DataFrame, summary: pd.DataFrame, protocol: Protocol, confidence: float) -> str:
    best = summary.iloc[int(summary["elbo_mean"].argmax())]
    interval, seeds = interval_of(best, "elbo"), int(best["seeds"])
    caveat = "" if protocol.is_likelihood else f" ({CAVEAT})"
    basis = f"{percent(confidence)} interval over {counted(seeds, 'seed')}"
    if not interval.is_known:
        basis = "one seed, so no interval"
    among = (
        f"Of {len(summary)} configurations, {best['model']} has the highest mean ELBO"
        if len(summary) > 1
        else f"The one configuration, {best['model']}, has the mean ELBO"
    )
    text = (
        f"{among}{caveat}: {estimate(interval)} nats per image on the {protocol.split} split "
        f"({basis})."
    )
    values = {name: group["elbo"].tolist() for name, group in runs.groupby("model", sort=False)}
    own = values.pop(best["model"])
    words = {
        str(name): judge(difference_interval(own, other, confidence), ELBO)
        for name, other in values.items()
    }
    rivals = [name for name, word in words.items() if word == "not distinguishable"]
    if rivals:
        text += f" Not distinguishable from it: {listing(rivals)}."
    elif words and set(words.values()) == {"better"}:
        text += " It is distinguishable from every other."
    if best["collapsed"]:
        text += f" {counted(int(best['collapsed']), 'run')} of it collapsed."
    return text


def _architecture_sentences(comparisons: Sequence[Comparison]) -> str:
    """One sentence a pair of architectures and verdict."""
    sentences = []
    for change, group in _grouped(comparisons, lambda comparison: comparison.change):
        subject, _, reference = change.partition(" against ")
        phrases: dict[str, str] = {
            "better": f"{subject} is better than {reference}",
            "worse": f"{subject} is worse than {reference}",
            "not distinguishable": f"{subject} and {reference} are not distinguishable",
            "unknown": f"{subject} minus {reference}, with no verdict from one seed,",
        }
        for word, members in _grouped(group, lambda comparison: comparison.word):
            phrase = phrases[word]
            places = listing([f"at {member.setting} ({_size(member)})" for member in members])
            sentences.append(f"{phrase[:1].upper()}{phrase[1:]} {places}.")
    return " ".join(sentences)


def _size_sentences(comparisons: Sequence[Comparison]) -> str:
    """The first comparison, 10 against 2 if any, and the last step: would more dimensions help?"""
    groups = list(_grouped(comparisons, lambda comparison: comparison.change))
    sentences = []
    for change, group in dict([groups[0], groups[-1]]).items() if groups else ():
        large, _, small = change.partition(" against ")
        parts = []
        for word, members in _grouped(group, lambda comparison: comparison.word):
            verdict = "no verdict from one seed" if word == "unknown" else word
            cases = listing([f"{member.setting} ({_size(member)})" for member in members])
            parts.append(f"{verdict} for {cases}")
        sentences.append(f"{large} dimensions against {small}: {', '.join(parts)}.")
    return " ".join(sentences)


def _size(comparison: Comparison) -> str:
    return estimate(comparison.difference, signed=True)


def _grouped(
    comparisons: Iterable[Comparison], key: Callable[[Comparison], str]
) -> Iterator[tuple[str, list[Comparison]]]:
    """Groups in the order of their first member."""
    groups: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        groups.setdefault(key(comparison), []).append(comparison)
    yield from groups.items()

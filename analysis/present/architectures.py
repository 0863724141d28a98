"""Differences between architectures: one row per metric, one column per latent size."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.estimate.intervals import Interval
from analysis.estimate.verdicts import ModelComparison, Rule, compare_architectures
from analysis.present.intervals import format_interval
from analysis.present.tables import Cell, Column, Table
from analysis.read.frames import plain_beta
from analysis.words import ARROWS, NOTHING, format_number, metric_unit, pluralise
from pipeline.schemas.metric import Metric
from pipeline.schemas.protocol import Protocol

MORE_DIGITS = 3  # at most so many more than the metric has


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """A comparison of two architectures in one metric, at one latent size and beta."""

    metric: Metric
    comparison: ModelComparison


def compare_metrics(
    runs: pd.DataFrame, rule: Rule, metrics: Iterable[Metric]
) -> list[MetricDifference]:
    """Compare every metric the way ``compare_architectures`` compares the ELBO.

    Args:
        runs: from ``load_results``.
        rule: what decides; each metric is a family of its own.
        metrics: columns of ``runs``; runs without a value are excluded from its comparison.
    """
    return [
        MetricDifference(metric, comparison)
        for metric in metrics
        for comparison in compare_architectures(runs[runs[metric.name].notna()], rule, metric)
    ]


def metric_differences_table(differences: Sequence[MetricDifference], protocol: Protocol) -> Table:
    """Differences with interval and verdict, for one beta: 1, or else the smallest.

    Args:
        differences: from ``compare_metrics``, at least one.
        protocol: for the headings.
    """
    beta = plain_beta(pd.DataFrame({"beta": [item.comparison.beta for item in differences]}))
    shown = [item for item in differences if item.comparison.beta == beta]
    sizes = sorted({item.comparison.latent_dim for item in shown})
    changes = list(dict.fromkeys(item.comparison.change for item in shown))
    cells = {
        (item.metric.name, item.comparison.change, item.comparison.latent_dim): _cell(item)
        for item in shown
    }
    columns = (
        Column("Metric", numeric=False),
        *([Column("Comparison", numeric=False)] if len(changes) > 1 else []),
        *(Column(pluralise(size, "dimension"), numeric=False) for size in sizes),
    )
    metrics = list(dict.fromkeys(item.metric for item in shown))
    rows = tuple(
        (
            _heading(metric, protocol),
            *([Cell(change)] if len(changes) > 1 else []),
            *(cells.get((metric.name, change, size), Cell(NOTHING)) for size in sizes),
        )
        for metric in metrics
        for change in changes
    )
    return Table(columns, rows)


def _heading(metric: Metric, protocol: Protocol) -> Cell:
    arrow = f" {ARROWS[metric.better]}" if metric.sign else ""
    return Cell(f"{metric.label}{arrow}", metric_unit(metric, protocol))


def _cell(item: MetricDifference) -> Cell:
    interval = item.comparison.difference
    digits = _digits(interval, item.metric)
    verdict = item.comparison.verdict
    word = "one seed" if verdict == "unknown" else verdict
    pointlike = interval.low == interval.high  # would repeat the mean
    ends = (
        "" if pointlike or not interval.is_known else format_interval(interval, digits, signed=True)
    )
    return Cell(f"{format_number(interval.mean, digits, signed=True)} {word}", ends)


def _digits(interval: Interval, metric: Metric) -> int:
    """The metric's own digits, or more if they would round a non-zero end to zero."""
    ends = [abs(end) for end in (interval.low, interval.high) if end]
    if not interval.is_known or not ends:
        return metric.digits
    needed = math.ceil(-math.log10(2 * min(ends)))  # half a unit of the last digit rounds up
    return min(max(metric.digits, needed), metric.digits + MORE_DIGITS)


def metric_differences_frame(differences: Iterable[MetricDifference]) -> pd.DataFrame:
    """The same as numbers for all betas: one row per metric, pair of architectures, size, beta."""
    return pd.DataFrame(
        [
            {
                "metric": item.metric.name,
                "unit": item.metric.unit,
                "better": item.metric.better,
                "change": item.comparison.change,
                "latent_dim": item.comparison.latent_dim,
                "beta": item.comparison.beta,
                "difference_mean": item.comparison.difference.mean,
                "difference_low": item.comparison.difference.low,
                "difference_high": item.comparison.difference.high,
                "p_holm": item.comparison.p_holm,
                "improvement": item.comparison.improvement,
                "verdict": item.comparison.verdict,
                "seeds_subject": item.comparison.seeds[0],
                "seeds_reference": item.comparison.seeds[1],
                "collapsed": item.comparison.collapsed,
            }
            for item in differences
        ]
    )

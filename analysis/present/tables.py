"""Frames of numbers -> tables for people: formatted text, with marks for what is best."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import pandas as pd

from analysis.estimate.intervals import Interval, interval_of
from analysis.estimate.verdicts import ModelComparison
from analysis.present.intervals import format_interval, format_p
from analysis.words import (
    ARROWS,
    NOTHING,
    format_active_units,
    format_class_counts,
    format_number,
    metric_unit,
)
from pipeline.schemas.judge_card import JudgeCard
from pipeline.schemas.metric import GROUPS, Group, Metric
from pipeline.schemas.metrics import ELBO, METRICS, main_metrics
from pipeline.schemas.protocol import Protocol

Tone = Literal["", "yes", "no", "open"]


@dataclass(frozen=True, slots=True)
class Column:
    """The heading of a column.

    Attributes:
        label: what the column contains.
        unit: unit of its numbers; empty for none.
        arrow: ``↑`` if higher is better, ``↓`` if lower.
        numeric: whether cells are aligned as numbers.
        wrap: whether cells contain sentences, which may wrap.
    """

    label: str
    unit: str = ""
    arrow: str = ""
    numeric: bool = True
    wrap: bool = False

    @property
    def text(self) -> str:
        """The heading on one line."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.label}{f' {self.arrow}' if self.arrow else ''}{unit}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its text, a second line such as the interval, and marks.

    Attributes:
        text: the main text.
        detail: secondary text, after or below it.
        best: whether it is the best in its column.
        flag: a warning, e.g. ``1 of 3 collapsed``.
        reference: whether it is a reference value rather than a model's.
        tone: colour of a verdict on the page; the text says the same.
    """

    text: str
    detail: str = ""
    best: bool = False
    flag: str = ""
    reference: bool = False
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Formatted text in rows; the first column names the row."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def comparison_table(summary: pd.DataFrame, protocol: Protocol) -> Table:
    """One row per configuration: main metrics, with best means marked and collapsed runs flagged.

    Args:
        summary: from ``summarise``.
        protocol: shared by all its numbers.
    """
    measured = metrics_table(summary, protocol, main_metrics(shown_metrics(summary)))
    columns = (Column("Parameters"), Column("Training", "seconds"), Column("Seeds"))
    rows = tuple(
        (
            *cells,
            Cell(f"{row['parameters']:,}"),
            Cell(format_number(row["train_seconds_mean"], 1)),
            Cell(str(row["seeds"])),
        )
        for cells, (_, row) in zip(measured.rows, summary.iterrows(), strict=True)
    )
    return Table((*measured.columns, *columns), rows)


def shown_metrics(summary: pd.DataFrame) -> list[str]:
    """Return the metrics that a summary contains, in the order of their definitions."""
    return [name for name in METRICS if f"{name}_mean" in summary or name in summary]


def group_tables(
    summary: pd.DataFrame, protocol: Protocol, classes: Sequence[str], judge: JudgeCard
) -> dict[Group, Table]:
    """All metrics by group, except for groups that the comparison shows in full.

    Args:
        summary: from ``summarise``.
        protocol: shared by all its numbers.
        classes: names of the classes; without names, their indices are shown.
        judge: the last row of its table contains the scores of real images.
    """
    shown = [METRICS[name] for name in shown_metrics(summary)]
    groups = {group: [metric for metric in shown if metric.group == group] for group in GROUPS}
    tables = {
        group: metrics_table(summary, protocol, metrics, classes)
        for group, metrics in groups.items()
        if not all(metric.main for metric in metrics)
    }
    scores = {metric.name: getattr(judge.real, metric.name) for metric in groups["judge"]}
    table, real = tables["judge"], real_row(groups["judge"], scores)
    return tables | {"judge": Table(table.columns, (*table.rows, real))}


def real_row(metrics: Iterable[Metric], scores: Mapping[str, float]) -> tuple[Cell, ...]:
    """The scores of real images: a floor for distances and a ceiling for the rest.

    Args:
        metrics: one per column.
        scores: by name of the metric; a dash is shown for a missing one.
    """
    return (
        Cell("real images", reference=True),
        *(
            Cell(format_number(scores.get(metric.name, math.nan), metric.digits), reference=True)
            for metric in metrics
        ),
    )


def metric_columns(metrics: Iterable[Metric]) -> list[str]:
    """Return the columns of a summary that contain the means and intervals of these metrics."""
    return [f"{metric.name}_{end}" for metric in metrics for end in ("mean", "low", "high")]


def metrics_table(
    summary: pd.DataFrame,
    protocol: Protocol,
    metrics: Sequence[Metric],
    classes: Sequence[str] = (),
) -> Table:
    """One row per configuration, one column per metric; best means and collapsed runs marked."""
    columns = (
        Column("Model", numeric=False),
        *(
            Column(metric.label, metric_unit(metric, protocol), ARROWS[metric.better])
            for metric in metrics
        ),
    )
    best = {metric.name: _best(summary, metric) for metric in metrics}
    rows = []
    for place, row in summary.iterrows():
        flag = f"{row['collapsed']} of {row['seeds']} collapsed" if row["collapsed"] else ""
        rows.append(
            (
                Cell(str(row["model"]), flag=flag),
                *(
                    _labels(row[metric.name], classes)
                    if metric.is_label
                    else _measured(row, metric, best[metric.name] == place)
                    for metric in metrics
                ),
            )
        )
    return Table(columns, tuple(rows))


def _best(summary: pd.DataFrame, metric: Metric) -> object:
    """Index of the best mean; None if no direction is better or there is nothing to compare."""
    if metric.sign == 0:
        return None
    means = summary[f"{metric.name}_mean"].dropna()
    return None if len(means) < 2 else (metric.sign * means).idxmax()


def _measured(row: pd.Series, metric: Metric, best: bool) -> Cell:
    interval = interval_of(row, metric.name)
    if math.isnan(interval.mean):
        return Cell(NOTHING)
    if metric.unit == "dimensions":
        text, digits = format_active_units(interval.mean, row["latent_dim"]), 1
    else:
        text, digits = format_number(interval.mean, metric.digits), metric.digits
    detail = _unless_pointlike(interval, digits) if metric.interval else ""
    return Cell(text, detail, best=best)


def _labels(numbers: object, classes: Sequence[str]) -> Cell:
    # A frame contains NaN for a configuration without labels.
    return Cell(format_class_counts(numbers, classes) if isinstance(numbers, str) else NOTHING)


def _unless_pointlike(interval: Interval, digits: int) -> str:
    """No interval if all seeds agree: it would repeat the mean."""
    return "" if interval.low == interval.high else format_interval(interval, digits)


def differences_table(
    comparisons: Sequence[ModelComparison], protocol: Protocol, metric: Metric = ELBO
) -> Table:
    """One row per comparison: the difference, its interval for each source, and the verdict."""
    columns = (
        Column("Comparison", numeric=False),
        Column("At", numeric=False),
        Column(f"{metric.label} difference", metric_unit(metric, protocol)),
        Column("Interval over seeds"),
        Column("p, Holm"),
        Column("Interval over images"),
        Column("Probability of improvement"),
        Column("Verdict", numeric=False),
        Column("Seeds"),
    )
    rows = tuple(
        (
            Cell(
                comparison.change,
                flag=f"{comparison.collapsed} collapsed" if comparison.collapsed else "",
            ),
            Cell(comparison.setting),
            Cell(format_number(comparison.difference.mean, signed=True)),
            Cell(format_interval(comparison.difference, signed=True)),
            Cell(format_p(comparison.p_holm)),
            Cell(format_interval(comparison.over_images, signed=True)),
            Cell(format_number(comparison.improvement)),
            Cell(comparison.verdict if comparison.verdict != "unknown" else "one seed, no verdict"),
            Cell(" / ".join(map(str, comparison.seeds))),
        )
        for comparison in comparisons
    )
    return Table(columns, rows)


def differences_frame(comparisons: Iterable[ModelComparison]) -> pd.DataFrame:
    """The comparisons as numbers: one row each, the intervals and the seeds in columns.

    ``difference_low`` and ``_high`` are over seeds, ``over_images_low`` and ``_high`` over images;
    ``word`` is the verdict.
    """
    rows = []
    for comparison in comparisons:
        row = asdict(comparison)
        row["word"] = row.pop("verdict")
        interval, (subject, reference) = row.pop("difference"), row.pop("seeds")
        images = row.pop("over_images")
        rows.append(
            row
            | {f"difference_{end}": value for end, value in interval.items()}
            | {f"over_images_{end}": images[end] for end in ("low", "high")}
            | {"seeds_subject": subject, "seeds_reference": reference}
        )
    return pd.DataFrame(rows)

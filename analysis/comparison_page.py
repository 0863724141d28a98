"""Sources compared with a baseline: a page in the report's style, or Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.estimate.between import Comparison, Effect
from analysis.estimate.intervals import Interval
from analysis.estimate.verdicts import Rule, Verdict
from analysis.figures.effects import differences
from analysis.present import style
from analysis.present.compared import (
    effects_table,
    headline,
    lacking_sentences,
    row_name,
)
from analysis.present.exhibits import Exhibit, ReportSection, TableExhibit
from analysis.present.intervals import format_estimate
from analysis.read.source import BOUND
from analysis.rendering import number_and_embed, render
from analysis.sections.wording import how_to_read
from analysis.words import CAVEAT, format_percent, join_and, likelihood_label
from pipeline.schemas.metrics import ELBO, METRICS

DEFINED = tuple(METRICS[metric.name] for metric in BOUND)


@dataclass(frozen=True, slots=True)
class ForestRow:
    """A row of the chart of differences."""

    label: str
    difference: Interval
    verdict: Verdict


def make_page(comparisons: Sequence[Comparison], rule: Rule) -> str:
    """Return the page, which needs no other file and no network."""
    with style.theme():
        sections = [_section(one, place, rule) for place, one in enumerate(comparisons, 1)]
    images = {
        f"figures/{part.name}.svg": style.render(part.figure, "svg")
        for section in sections
        for part in section.parts
        if isinstance(part, Exhibit)
    }
    numbered = number_and_embed(sections, images, first_table=1)
    return render(
        "comparison.html.j2",
        _context(comparisons, rule)
        | {"sections": list(zip(comparisons, numbered, strict=True)), "defined": DEFINED},
    )


def make_markdown(comparisons: Sequence[Comparison], rule: Rule) -> str:
    """Return the comparison as Markdown: what changed, the ELBO, and the rest folded."""
    tables = [[(metric, effects_table(one, metric)) for metric in BOUND] for one in comparisons]
    return render(
        "comparison.md.j2",
        _context(comparisons, rule) | {"sections": list(zip(comparisons, tables, strict=True))},
    )


def _context(comparisons: Sequence[Comparison], rule: Rule) -> dict[str, Any]:
    baseline = comparisons[0].baseline
    names = join_and([one.source.name for one in comparisons])
    return {
        "title": f"{names} against {baseline.name}",
        "protocol": baseline.protocol,
        "likelihood": likelihood_label(baseline.protocol),
        "caveat": CAVEAT,
        "headline": headline,
        "lacking": lacking_sentences,
        "how_to_read": how_to_read(rule),
    }


def _section(comparison: Comparison, place: int, rule: Rule) -> ReportSection:
    against = f"{comparison.source.name} against {comparison.baseline.name}"
    tables = [
        TableExhibit(
            name=f"{metric.name}-{place}",
            title=f"Differences in {metric.label}",
            caption=metric.definition,
            table=effects_table(comparison, metric),
            folded=metric is not ELBO,
        )
        for metric in BOUND
    ]
    return ReportSection(
        anchor=f"comparison-{place}",
        title=against,
        parts=(_forest(comparison, place, against, rule), *tables),
    )


def _forest(comparison: Comparison, place: int, against: str, rule: Rule) -> Exhibit:
    effects = comparison.of(ELBO)
    means = [effect for effect in effects if effect.factor != "cell"]
    cells = [effect for effect in effects if effect.factor == "cell"]
    titles = {"Mean over cells": means, "Cell by cell": cells}
    groups = {
        title: [_forest_row(one) for one in group] for title, group in titles.items() if group
    }
    margin = f" Shaded: the margin of ±{rule.margin:g} nats." if rule.margin else ""
    return Exhibit(
        name=f"differences-{place}",
        title=f"Differences in ELBO, {against}",
        caption=(
            f"Points are differences in ELBO, lines their {format_percent(rule.confidence)} "
            "intervals over seeds (Welch), in nats per image on the test split. Filled points are "
            f"better or worse.{margin} A very wide interval is clipped, with its ends printed next "
            "to it."
        ),
        alt="Intervals and a line at zero. "
        + " ".join(
            f"{row.label}: {format_estimate(row.difference, signed=True)}, {row.verdict}."
            for group in groups.values()
            for row in group
        ),
        figure=differences(groups, rule.margin),
        format="svg",
    )


def _forest_row(effect: Effect) -> ForestRow:
    return ForestRow(row_name(effect), effect.difference.interval, effect.difference.verdict)

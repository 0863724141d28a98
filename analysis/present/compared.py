"""Sources compared with a baseline, as tables and sentences."""

from collections import Counter
from collections.abc import Sequence

from analysis.estimate.between import Comparison, Effect
from analysis.present.intervals import format_estimate, format_interval, format_p
from analysis.present.tables import Cell, Column, Table, Tone
from analysis.words import ARROWS, format_number, join_and, metric_unit, pluralise
from pipeline.schemas.metric import Metric
from pipeline.schemas.metrics import ELBO

TONES: dict[str, Tone] = {"better": "yes", "worse": "no"}


def effects_table(comparison: Comparison, metric: Metric) -> Table:
    """Return one row per level of a factor and per cell: means, difference, verdict."""
    protocol = comparison.source.protocol
    columns = (
        Column("Cells", numeric=False),
        Column(comparison.baseline.name),
        Column(comparison.source.name),
        Column("Difference, over seeds", metric_unit(metric, protocol), ARROWS[metric.better]),
        Column("p, Holm"),
        Column("Interval over images"),
        Column("Probability of improvement"),
        Column("Verdict", numeric=False),
        Column("Seeds"),
    )
    return Table(columns, tuple(_row(effect) for effect in comparison.of(metric)))


def row_name(effect: Effect) -> str:
    """Return the name of a row: that of the cell, or of what its cells have in common."""
    if effect.factor == "all cells":
        return f"all {effect.label}"
    return f"all {effect.label}" if effect.factor == "architecture" else effect.label


def verdict_words(effect: Effect) -> str:
    """Return the verdict, or why there is none."""
    verdict = effect.difference.verdict
    return "one seed, no verdict" if verdict == "unknown" else verdict


def headline(comparison: Comparison) -> str:
    """Summarise a comparison: the mean difference in ELBO, and the cells' verdicts."""
    effects = comparison.of(ELBO)
    cells = [effect for effect in effects if effect.factor == "cell"]
    overall = effects[0]
    estimate = format_estimate(overall.difference.interval, signed=True)
    text = f"ELBO {estimate} nats per image over {_over(cells)}: {verdict_words(overall)}"
    if len(cells) > 1:
        counts = Counter(verdict_words(cell) for cell in cells)
        text += f". By cell: {join_and([f'{count} {word}' for word, count in counts.items()])}"
    return f"{text}."


def lacking_sentences(comparison: Comparison) -> list[str]:
    """Return which cells only one of both has."""
    return [
        f"Only in {source.name}: {join_and(cells)}."
        for source, cells in (
            (comparison.baseline, comparison.only_baseline),
            (comparison.source, comparison.only_source),
        )
        if cells
    ]


def _over(cells: Sequence[Effect]) -> str:
    return cells[0].label if len(cells) == 1 else f"all {pluralise(len(cells), 'shared cell')}"


def _row(effect: Effect) -> tuple[Cell, ...]:
    found, digits = effect.difference, effect.metric.digits
    interval, verdict = found.interval, verdict_words(effect)
    return (
        Cell(row_name(effect), flag=f"{found.collapsed} collapsed" if found.collapsed else ""),
        Cell(format_number(effect.before, digits)),
        Cell(format_number(effect.after, digits)),
        Cell(
            format_number(interval.mean, digits, signed=True),
            detail=format_interval(interval, digits, signed=True) if interval.is_known else "",
        ),
        Cell(format_p(found.p_holm)),
        Cell(format_interval(found.over_images, digits, signed=True)),
        Cell(format_number(found.improvement)),
        Cell(verdict, tone=TONES.get(verdict, "open")),
        Cell(" / ".join(map(str, found.seeds))),
    )

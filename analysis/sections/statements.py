"""Statements tested: claims that reports make about such models by eye, tested on numbers."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from analysis.findings import Findings
from analysis.present.exhibits import ReportSection, TableExhibit
from analysis.present.intervals import format_interval
from analysis.present.tables import Cell, Column, Table, Tone
from analysis.read.arrays import load_borders
from analysis.sections.wording import UNCORRECTED
from analysis.statements import Decision, StatementVerdict, decide_statements
from analysis.words import NOTHING, format_number, format_percent, join_and, pluralise

MARKS: dict[StatementVerdict, tuple[str, Tone]] = {
    "supported": ("✓", "yes"),
    "contradicted": ("✗", "no"),
    "not distinguishable": ("≈", "open"),
    "cannot be decided": (NOTHING, "open"),
}


def section(found: Findings) -> ReportSection:
    """The section."""
    borders = load_borders(found.results.folder, found.results.runs)
    decisions = decide_statements(found.results, borders, found.confidence)
    return ReportSection(
        "statements",
        "Statements tested",
        (statements_exhibit(decisions, found.confidence),),
        lead=leads(decisions, found.confidence, found.results.protocol.data),
    )


def leads(decisions: Sequence[Decision], confidence: float, data: str) -> tuple[str, ...]:
    """What was tested, with what outcome, and how far to trust it."""
    counts = Counter(decision.verdict for decision in decisions)
    decided = len(decisions) - counts["cannot be decided"]
    outcome = [f"{counts[word]} {word}" for word in MARKS if counts[word]]
    if decided < len(decisions):
        outcome[-1] = f"{len(decisions) - decided} that cannot be decided"
    first = (
        "Reports on such models often judge by eye what can be measured. Here are "
        f"{len(decisions)} such statements, each tested on a measured quantity: "
        f"{join_and(outcome)}."
    )
    if not decided:
        return (first,)
    return (
        first,
        f"The {format_percent(confidence)} intervals are {UNCORRECTED}: of "
        f"{pluralise(decided, 'interval')}, about {format_number(decided * (1 - confidence), 1)} "
        f"would miss the truth by chance. Every verdict is about {data} and these settings, not "
        "about such models in general.",
    )


def statements_exhibit(decisions: Sequence[Decision], confidence: float) -> TableExhibit:
    """One row per statement."""
    return TableExhibit(
        "statements",
        "Statements and verdicts",
        f"Effects with {format_percent(confidence)} intervals over runs; those of differences "
        "are Welch-Satterthwaite intervals, with a separate variance per configuration. "
        "✓ supported: the whole interval is on the side that the statement claims; "
        "✗ contradicted: the whole interval is on the other side; ≈ not distinguishable: "
        "neither. The four models combine "
        'two architectures and two latent sizes. Other sizes, and quantities given "on their own", '
        "are shown for comparison and do not affect the verdict.",
        statements_table(decisions),
        statements_frame(decisions),
    )


def statements_table(decisions: Sequence[Decision]) -> Table:
    """Number, statement with its statistic, effect with its runs, verdict, reasons."""
    columns = (
        Column("No.", numeric=False),
        Column("Statement and test", numeric=False, wrap=True),
        Column("Effect", numeric=False, wrap=True),
        Column("Verdict", numeric=False),
        Column("Breakdown", numeric=False, wrap=True),
    )
    rows = tuple(
        (
            Cell(str(place)),
            Cell(decision.statement, decision.statistic),
            _effect(decision),
            _verdict(decision),
            Cell("\n".join(decision.reasons)),
        )
        for place, decision in enumerate(decisions, start=1)
    )
    return Table(columns, rows)


def statements_frame(decisions: Sequence[Decision]) -> pd.DataFrame:
    """The same as numbers, one row per statement."""
    return pd.DataFrame(
        {
            "number": place,
            "statement": decision.statement,
            "statistic": decision.statistic,
            "effect_mean": decision.effect.mean,
            "effect_low": decision.effect.low,
            "effect_high": decision.effect.high,
            "unit": decision.unit,
            "n": decision.runs,
            "verdict": decision.verdict,
            "reason": " ".join(decision.reasons),
        }
        for place, decision in enumerate(decisions, start=1)
    )


def _effect(decision: Decision) -> Cell:
    if not decision.effect.is_known:
        return Cell(NOTHING)
    digits, signed = decision.digits, decision.signed
    basis = ", ".join(filter(None, (decision.unit, pluralise(decision.runs, "run"))))
    return Cell(
        format_number(decision.effect.mean, digits, signed=signed),
        f"{format_interval(decision.effect, digits, signed=signed)}\n{basis}",
    )


def _verdict(decision: Decision) -> Cell:
    mark, tone = MARKS[decision.verdict]
    return Cell(f"{mark} {decision.verdict}", tone=tone)

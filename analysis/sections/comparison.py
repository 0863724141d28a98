"""Comparison: every configuration beside the others, and what can be said of the differences."""

from collections.abc import Sequence

import pandas as pd

from analysis.exhibits import Exhibit, Section, Styles, TableExhibit, present
from analysis.figures.effects import differences, metrics_by_size
from analysis.findings import Findings
from analysis.frames import Results
from analysis.tables import differences_frame, differences_table
from analysis.verdicts import Comparison
from analysis.words import counted, estimate, listing, number, percent, span


def section(found: Findings) -> Section:
    """The chapter."""
    return Section(
        "comparison",
        "Comparison",
        present(
            sizes_exhibit(found.results, found.summary, found.styles, found.confidence),
            differences_exhibit(found.architectures, found.sizes, found.confidence),
            differences_table_exhibit(found),
        ),
    )


def differences_table_exhibit(found: Findings) -> TableExhibit | None:
    """The differences in ELBO as numbers; None where nothing can be compared."""
    comparisons = [*found.architectures, *found.sizes]
    if not comparisons:
        return None
    return TableExhibit(
        "differences",
        "Differences in ELBO",
        f"The first named minus the second, with two {percent(found.confidence)} intervals, of two "
        "sources that are never mixed: over seeds (Welch), for other runs of the same settings, "
        "and over images (paired bootstrap), for these models on another test set. The verdict "
        "follows the one over seeds: better or worse where it leaves out zero. The probability of "
        "improvement is the share of pairs of runs in which the first is better.",
        differences_table(comparisons, found.results.protocol),
        differences_frame(comparisons),
        folded=True,
    )


def sizes_exhibit(
    results: Results, summary: pd.DataFrame, styles: Styles, confidence: float
) -> Exhibit:
    """ELBO and its terms against latent size."""
    seeds = span(summary["seeds"].tolist(), "seed")
    values = [
        f"{row['model']} {number(row['elbo_mean'])}" for _, row in summary.iterrows()
    ]  # fmt: skip
    return Exhibit(
        name="latent-size",
        title="Latent size",
        caption=(
            "ELBO (higher is better), reconstruction (lower is better) and KL on the "
            f"{results.protocol.split} split, nats per image. Large points, in the colours of all "
            f"figures: mean of {seeds} with its {percent(confidence)} interval (Student's t), cut "
            "where it leaves the panel; small dots: single runs. Where the lines level off, "
            "further dimensions carry nothing more."
        ),
        alt=(
            "Three charts of ELBO, reconstruction and KL against the number of latent dimensions, "
            f"a line an architecture. Mean ELBO: {listing(values)} nats."
        ),
        figure=metrics_by_size(results.runs, summary, styles, results.protocol),
        format="svg",
    )


def differences_exhibit(
    architectures: Sequence[Comparison], sizes: Sequence[Comparison], confidence: float
) -> Exhibit | None:
    """Differences in ELBO with intervals; None where nothing can be compared."""
    titles = {"Architecture": architectures, "Latent size": sizes}
    groups = {title: group for title, group in titles.items() if group}
    if not groups:
        return None
    shown = [comparison for group in groups.values() for comparison in group]
    return Exhibit(
        name="differences",
        title="Differences in ELBO",
        caption=(
            f"Each row is the first named minus the second, with its {percent(confidence)} "
            "interval over seeds (Welch), nats per image on the test split. Filled: the interval "
            "leaves out zero, and the first is better or worse; hollow: it does not. The "
            f"{counted(len(shown), 'interval')} are not widened for their number; a very wide one "
            "is cut by the panel, and its ends stand beside it."
        ),
        alt="Intervals beside a line at zero. "
        + " ".join(
            f"{comparison.change}, {comparison.setting}: "
            f"{estimate(comparison.difference, signed=True)}, {comparison.word}."
            for comparison in shown
        ),
        figure=differences(groups),
        format="svg",
    )

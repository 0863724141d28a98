"""Samples: what models generate from the prior, and how it can be measured."""

from collections.abc import Sequence

import numpy as np

from analysis.figures.images import Marks, samples, samples_side
from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, ReportSection, Styles, TableExhibit, drop_missing
from analysis.present.tables import Table, metric_columns, metrics_table, real_row
from analysis.read.arrays import Drawings, with_arrays
from analysis.read.frames import Results
from analysis.sections.wording import (
    IMAGES_ARE_MEANS,
    LOWEST_SEED,
    named,
    over_seeds,
    size_columns,
    threshold,
    threshold_words,
    without,
)
from analysis.words import join_and, pluralise
from pipeline.schemas.judged_metrics import CONFIDENCE, FRECHET_DISTANCE, PRECISION, RECALL
from pipeline.schemas.metrics import CONTRAST, CONTRAST_DATA, SHARPNESS

SCORES = (SHARPNESS, CONTRAST, CONFIDENCE, FRECHET_DISTANCE, PRECISION, RECALL)


def section(found: Findings) -> ReportSection:
    """The section."""
    shown = drop_missing(
        samples_exhibit(found.results, found.drawings, found.styles), scores_exhibit(found)
    )
    return ReportSection("samples", "Samples", shown)


def samples_exhibit(
    results: Results, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """Samples from the prior, one block per model; None without arrays."""
    shown = with_arrays(drawings, "samples")
    if not shown:
        return None
    blocks = named(shown, "samples")
    amount = samples_side(blocks) ** 2
    least = threshold(results)
    doubtful = _doubtful(shown, least)
    marked = (
        " An orange corner marks samples that the judge finds implausible: its confidence is at "
        f"most {threshold_words(least)}."
        if doubtful
        else ""
    )
    counts = [
        f"{model} {int(marks[:amount].sum())} of {amount}" for model, marks in doubtful.items()
    ]
    return Exhibit(
        name="samples",
        title="Samples",
        caption=(
            f"The first {pluralise(amount, 'sample')} from the prior N(0, I), decoded by each "
            f"model and not selected.{marked} {IMAGES_ARE_MEANS} {LOWEST_SEED} Look for shapes "
            "that belong to no class, for missing classes, and for blur."
        ),
        alt=f"Square blocks of samples from {join_and([drawing.model for drawing in shown])}."
        + (f" Implausible to the judge: {join_and(counts)}." if counts else ""),
        figure=samples(blocks, size_columns(shown), styles, doubtful),
        format="png",
        notes=tuple(without(shown, "marks of implausible samples", "samples_confidence")),
    )


def _doubtful(drawings: Sequence[Drawings], least: float) -> dict[str, Marks]:
    return {
        drawing.model: np.asarray(drawing.arrays["samples_confidence"] <= least)
        for drawing in with_arrays(drawings, "samples_confidence")
    }


def scores_exhibit(found: Findings) -> TableExhibit:
    """How samples look and what the judge finds in them, over seeds."""
    summary, judge = found.summary, found.results.judge
    table = metrics_table(summary, found.results.protocol, SCORES)
    real = judge.real.model_dump() | {
        SHARPNESS.name: 1.0,
        CONTRAST.name: float(summary[f"{CONTRAST_DATA.name}_mean"].iloc[0]),
    }
    return TableExhibit(
        "sample-scores",
        "Sample quality",
        f"Means {over_seeds(summary, found.confidence)}, which with few seeds may extend beyond "
        f"possible values. Each run generated {judge.settings.samples:,} samples. Sharpness and "
        "contrast have no better direction: the closer to the real images in the last row, the "
        "more similar. Implausible samples lower confidence "
        "and precision and raise the Fréchet distance; kinds of images that are never generated "
        "lower recall.",
        Table(table.columns, (*table.rows, real_row(SCORES, real))),
        summary[["model", *metric_columns(SCORES)]],
    )

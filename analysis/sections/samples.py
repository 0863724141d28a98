"""Samples: what the models draw from the prior, and what can be measured of it."""

from collections.abc import Sequence

import numpy as np

from analysis.figures.images import Marks, samples, samples_side
from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, ReportSection, Styles, TableExhibit, present
from analysis.present.tables import REAL, Cell, Table, metrics_table, shown_metrics
from analysis.read.arrays import Drawings, with_arrays
from analysis.read.frames import Results
from analysis.sections.wording import (
    IMAGES_ARE_MEANS,
    LOWEST_SEED,
    named,
    size_columns,
    threshold,
    threshold_words,
    without,
)
from analysis.words import NOTHING, format_number, format_percent, format_range, join_and, pluralise
from pipeline.schemas.judged_metrics import CONFIDENCE, FRECHET_DISTANCE, PRECISION, RECALL
from pipeline.schemas.metrics import CONTRAST, CONTRAST_DATA, SHARPNESS

SCORES = (SHARPNESS, CONTRAST, CONFIDENCE, FRECHET_DISTANCE, PRECISION, RECALL)


def section(found: Findings) -> ReportSection | None:
    """The chapter; None where there is nothing of it."""
    shown = present(
        samples_exhibit(found.results, found.drawings, found.styles), scores_exhibit(found)
    )
    return ReportSection("samples", "Samples", shown) if shown else None


def samples_exhibit(
    results: Results, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """Samples from the prior, a block a model; None without arrays."""
    shown = with_arrays(drawings, "samples")
    if not shown:
        return None
    blocks = named(shown, "samples")
    amount = samples_side(blocks) ** 2
    least = threshold(results)
    doubtful = _doubtful(shown, least)
    marked = (
        " An orange corner marks those that the judge takes for implausible: its confidence in "
        f"them is at most {threshold_words(least)}."
        if least is not None and doubtful
        else ""
    )
    counts = [
        f"{model} {int(marks[:amount].sum())} of {amount}" for model, marks in doubtful.items()
    ]
    return Exhibit(
        name="samples",
        title="Samples",
        caption=(
            f"The first {pluralise(amount, 'draw')} of each model from the prior N(0, I), decoded, "
            f"not selected.{marked} {IMAGES_ARE_MEANS} {LOWEST_SEED} Look for shapes that belong "
            "to no class, for classes that are missing, and for blur."
        ),
        alt=f"Square blocks of samples of {join_and([drawing.model for drawing in shown])}."
        + (f" Implausible to the judge: {join_and(counts)}." if counts else ""),
        figure=samples(blocks, size_columns(shown), styles, doubtful),
        format="png",
        notes=tuple(
            without(shown, "marks of implausible samples", "samples_confidence")
            if least is not None
            else ["Without a judge, no sample is marked as implausible."]
        ),
    )


def _doubtful(drawings: Sequence[Drawings], least: float | None) -> dict[str, Marks]:
    if least is None:
        return {}
    return {
        drawing.model: np.asarray(drawing.arrays["samples_confidence"] <= least)
        for drawing in with_arrays(drawings, "samples_confidence")
    }


def scores_exhibit(found: Findings) -> TableExhibit | None:
    """How samples look and what the judge says of them, over the seeds; None without numbers."""
    summary, judge = found.summary, found.results.judge
    present_names = set(shown_metrics(summary))
    metrics = [metric for metric in SCORES if metric.name in present_names]
    if not metrics:
        return None
    table = metrics_table(summary, found.results.protocol, metrics)
    real = {SHARPNESS.name: 1.0}
    if CONTRAST_DATA.name in present_names:
        real[CONTRAST_DATA.name] = float(summary[f"{CONTRAST_DATA.name}_mean"].iloc[0])
        real[CONTRAST.name] = real[CONTRAST_DATA.name]
    real |= judge.real.model_dump() if judge else {}
    last = (
        Cell(REAL, reference=True),
        *(
            Cell(
                format_number(real[metric.name], metric.digits) if metric.name in real else NOTHING,
                reference=True,
            )
            for metric in metrics
        ),
    )
    seeds = format_range(summary["seeds"].tolist(), "seed")
    drawn = f" {judge.settings.samples:,} draws of each run." if judge else ""
    return TableExhibit(
        "sample-scores",
        "Samples in numbers",
        f"Means over {seeds} with {format_percent(found.confidence)} intervals (Student's t), which with "
        f"few seeds may reach beyond what is possible.{drawn} Sharpness and contrast have no "
        "better direction: the nearer to the real images in the last row, the more alike. "
        "Implausible samples lower confidence and precision and raise the Fréchet distance; kinds "
        "of images that are never drawn lower recall.",
        Table(table.columns, (*table.rows, last)),
        summary[
            [
                "model",
                *(f"{metric.name}_{end}" for metric in metrics for end in ("mean", "low", "high")),
            ]
        ],
    )

"""Interpolations: straight paths between the codes of test images, and how plausible they are."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.estimate.intervals import interval_of
from analysis.figures.paths import Judged, Paths, interpolations, pairs_shown
from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, ReportSection, Styles, TableExhibit, drop_missing
from analysis.present.intervals import format_estimate
from analysis.present.tables import metric_columns, metrics_table, shown_metrics
from analysis.read.arrays import Drawings, that_share, with_arrays
from analysis.read.frames import Results
from analysis.sections.training import curve_models
from analysis.sections.wording import (
    IMAGES_ARE_MEANS,
    LOWEST_SEED,
    over_seeds,
    threshold,
    threshold_words,
    without,
)
from analysis.words import format_number, join_and, pluralise
from pipeline.schemas.judged_metrics import PATH_PLAUSIBILITY, PATHS

JUDGED = ("interpolations_classes", "interpolations_confidence")


def section(found: Findings) -> ReportSection | None:
    """The section; None if there is nothing to show."""
    shown = drop_missing(
        interpolations_exhibit(found.results, found.summary, found.drawings, found.styles),
        plausibility_exhibit(found),
    )
    return (
        ReportSection("interpolations", "Interpolations", shown, lead=_lead(found))
        if shown
        else None
    )


def interpolations_exhibit(
    results: Results, summary: pd.DataFrame, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """Straight paths between codes of test images, with a verdict per step; None without arrays."""
    candidates = with_arrays(drawings, "interpolations", "interpolation_originals")
    same, notes = that_share(candidates, "interpolation_originals")
    if not same:
        return None
    held = summary[summary["model"].isin([drawing.model for drawing in same])]
    chosen = set(curve_models(held))
    shown = [drawing for drawing in same if drawing.model in chosen] or same
    ends = shown[0].arrays["interpolation_originals"]
    amount = pairs_shown(len(ends), len(shown))
    steps = shown[0].arrays["interpolations"].shape[1]
    least = threshold(results)
    paths = [_paths(drawing, least) for drawing in shown]
    judged = [path for path in paths if path.judged]
    below = (
        " Below each step are the class assigned by the judge and a bar for its confidence (full "
        "length: 1). A question mark and a hollow bar mark a step whose confidence is at most "
        f"{threshold_words(least)}."
        if judged
        else ""
    )
    left_out = [drawing.model for drawing in same if drawing not in shown]
    others = f" Not shown, but in the table: {join_and(left_out)}." if left_out else ""
    likely = [
        f"{path.model} {format_number(100 * float(path.judged.plausible[:amount].mean()), 0)} %"
        for path in judged
        if path.judged
    ]
    return Exhibit(
        name="interpolations",
        title="Interpolations",
        caption=(
            f"{pluralise(steps, 'point')} on the straight line between the posterior means of two "
            f"images of the {results.protocol.split} split, which are shown at the ends; {amount} "
            f"of {pluralise(len(ends), 'pair')}, the same for every model.{below} "
            f"{IMAGES_ARE_MEANS} {LOWEST_SEED}{others} A good path changes gradually and is "
            "recognisable everywhere."
        ),
        alt=(
            f"{pluralise(amount, 'group')} of rows, one per model, between two large originals: "
            f"{join_and([drawing.model for drawing in shown])}."
            + (f" Plausible steps: {join_and(likely)}." if likely else "")
        ),
        figure=interpolations(ends, paths, styles, results.data.classes if results.data else ()),
        format="png",
        notes=(*notes, *without(shown, "classes of the steps", *JUDGED)),
    )


def _paths(drawing: Drawings, least: float) -> Paths:
    arrays = drawing.arrays
    judged = None
    if all(name in arrays for name in JUDGED):
        classes, confidence = (arrays[name] for name in JUDGED)
        judged = Judged(classes, confidence, np.asarray(confidence > least))
    return Paths(drawing.model, drawing.label, arrays["interpolations"], judged)


def plausibility_exhibit(found: Findings) -> TableExhibit | None:
    """How plausible all paths are, over seeds; None if images of one class leave no paths."""
    summary = found.summary
    if PATH_PLAUSIBILITY.name not in shown_metrics(summary):
        return None
    return TableExhibit(
        "path-plausibility",
        "How plausible the paths are",
        "At least 200 pairs of test images of different classes, the same for every model, "
        "including the pairs shown. Path plausibility is the share of points, ends included, with "
        f"a judge's confidence above {threshold_words(threshold(found.results))}. Minimum path "
        "confidence is the confidence at the worst point of a path, averaged over paths. Means "
        f"{over_seeds(summary, found.confidence)}.",
        metrics_table(summary, found.results.protocol, PATHS),
        summary[["model", *metric_columns(PATHS)]],
    )


def _lead(found: Findings) -> tuple[str, ...]:
    """A sentence on the most and the least plausible model; nothing for fewer than two."""
    name = PATH_PLAUSIBILITY.name
    if f"{name}_mean" not in found.summary:
        return ()
    ranked = found.summary.dropna(subset=[f"{name}_mean"]).sort_values(
        f"{name}_mean", ascending=False, kind="stable"
    )
    if len(ranked) < 2:
        return ()
    digits = PATH_PLAUSIBILITY.digits
    best, worst = (
        f"{row['model']} ({format_estimate(interval_of(row, name), digits)})"
        for row in (ranked.iloc[0], ranked.iloc[-1])
    )
    return (
        "On straight paths between codes, the share of points that the judge finds plausible is "
        f"largest for {best} and smallest for {worst}.",
    )

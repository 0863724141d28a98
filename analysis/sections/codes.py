"""What codes carry, and how near they come to the prior: numbers, and densities by dimension."""

import math
from collections.abc import Sequence

import numpy as np

from analysis.estimate.densities import marginal_densities, reach
from analysis.figures.aggregate import Aggregate, aggregate_posteriors
from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, Styles, TableExhibit
from analysis.present.tables import metrics_table, shown_metrics
from analysis.read.arrays import Drawings, with_arrays
from analysis.read.frames import Results
from analysis.sections.wording import LOWEST_SEED, size_columns
from analysis.words import format_number, format_percent, format_range, join_and
from pipeline.schemas.metrics import (
    ACTIVE_UNITS,
    ACTIVE_UNITS_HIGH,
    ACTIVE_UNITS_LOW,
    KL,
    MARGINAL_KL,
    MUTUAL_INFORMATION,
    MUTUAL_INFORMATION_CEILING,
)

NUMBERS = (
    ACTIVE_UNITS_LOW,
    ACTIVE_UNITS,
    ACTIVE_UNITS_HIGH,
    KL,
    MUTUAL_INFORMATION,
    MARGINAL_KL,
)
STEP = 0.02  # between two points of a density: below the narrowest posteriors' deviation


def codes_table(found: Findings) -> TableExhibit | None:
    """Active units at three thresholds and the parts of the KL, over the seeds; or None."""
    summary = found.summary
    metrics = [metric for metric in NUMBERS if metric.name in shown_metrics(summary)]
    if not {ACTIVE_UNITS_LOW, ACTIVE_UNITS_HIGH, MARGINAL_KL} & set(metrics):
        return None  # the comparison shows the rest
    return TableExhibit(
        "codes",
        "What the codes carry",
        "Active units at three thresholds of the posterior mean's variance over the "
        f"{found.results.protocol.split} split, 0.01 being the usual one: where the three agree, "
        "a dimension is either used or left alone. KL is mutual information plus marginal KL, the "
        f"divergence of the aggregate posterior from the prior.{_ceiling_words(found.results)} "
        f"Means over {format_range(summary['seeds'].tolist(), 'seed')} with "
        f"{format_percent(found.confidence)} intervals (Student's t).",
        metrics_table(summary, found.results.protocol, metrics),
    )


def _ceiling_words(results: Results) -> str:
    """Where the mutual information saturates; empty without the number."""
    if MUTUAL_INFORMATION_CEILING.name not in results.runs:
        return ""
    ceiling = results.runs[MUTUAL_INFORMATION_CEILING.name].max()
    if math.isnan(ceiling):
        return ""
    return (
        f" Mutual information ends at the logarithm of the number of images, {format_number(ceiling)} "
        "nats: where it is reached, the marginal KL is only the rest of the KL, and may be large "
        "for want of images alone."
    )


def aggregate_exhibit(
    results: Results, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """The aggregate posterior of each dimension beside the prior; None without its arrays."""
    shown = with_arrays(drawings, "mu", "log_var")
    if not shown:
        return None
    ends = reach([drawing.arrays["mu"] for drawing in shown])
    z = np.linspace(-ends, ends, round(2 * ends / STEP) + 1)
    distances = _distances(results)
    models = [
        Aggregate(
            drawing.model,
            drawing.label,
            marginal_densities(drawing.arrays["mu"], drawing.arrays["log_var"], z),
            np.argsort(-drawing.arrays["mu"].var(0), kind="stable"),
            f"marginal KL\n{format_number(distances[drawing.run])} nats"
            if drawing.run in distances
            else "",
        )
        for drawing in shown
    ]
    images = len(shown[0].arrays["mu"])
    values = [
        f"{drawing.model} {format_number(distances[drawing.run])}"
        for drawing in shown
        if drawing.run in distances
    ]
    beside = (
        " The marginal KL in each panel is that of this run, KL(q(z) || p(z)) over all dimensions "
        f"together.{_ceiling_words(results)}"
        if values
        else ""
    )
    return Exhibit(
        name="aggregate-posterior",
        title="The aggregate posterior and the prior",
        caption=(
            f"Density of q(z), the mean of the posteriors of all {images:,} images of the "
            f"{results.protocol.split} split, in single dimensions, exact and without draws; "
            "dotted, the prior N(0, 1). Of two dimensions both are shown (solid z1, dashed z2), of "
            "more the most active (solid) and the least active (dashed), by the variance of the "
            "posterior mean, and as a band the range over all of them. Peaks may be cut by the "
            f"panel.{beside} {LOWEST_SEED} Single dimensions may all match the prior while "
            "together they do not."
        ),
        alt=(
            "A panel a model with density curves over z beside the standard normal density."
            + (f" Marginal KL: {join_and(values)} nats." if values else "")
        ),
        figure=aggregate_posteriors(models, z, size_columns(shown), styles),
        format="svg",
    )


def _distances(results: Results) -> dict[str, float]:
    """Marginal KL in nats by run; only of runs that have it."""
    if MARGINAL_KL.name not in results.runs:
        return {}
    known = results.runs.dropna(subset=[MARGINAL_KL.name])
    return dict(zip(known["run"], known[MARGINAL_KL.name].astype(float), strict=True))

"""What codes encode, and how close they are to the prior: numbers, and densities by dimension."""

from collections.abc import Sequence

import numpy as np

from analysis.estimate.densities import marginal_densities, reach
from analysis.figures.aggregate import Aggregate, aggregate_posteriors
from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, Styles, TableExhibit
from analysis.present.tables import metrics_table
from analysis.read.arrays import Drawings, with_arrays
from analysis.read.frames import Results
from analysis.sections.wording import LOWEST_SEED, over_seeds, size_columns
from analysis.words import format_number, join_and
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
STEP = 0.02  # between two points of a density: smaller than the narrowest posterior deviation


def codes_table(found: Findings) -> TableExhibit:
    """Active units at three thresholds and the parts of the KL."""
    summary = found.summary
    return TableExhibit(
        "codes",
        "What the codes encode",
        "Active units at three thresholds on the variance of the posterior mean over the "
        f"{found.results.protocol.split} split (0.01 is the usual one). If the three counts agree, "
        "every dimension is clearly used or clearly unused. KL is the sum of mutual information "
        "and marginal KL, the divergence of the aggregate posterior from the prior."
        f"{_ceiling_words(found.results)} Means {over_seeds(summary, found.confidence)}.",
        metrics_table(summary, found.results.protocol, NUMBERS),
    )


def _ceiling_words(results: Results) -> str:
    """Explain where the mutual information saturates."""
    ceiling = results.runs[MUTUAL_INFORMATION_CEILING.name].max()
    return (
        " Mutual information is at most the logarithm of the number of images, "
        f"{format_number(ceiling)} nats: where it reaches this ceiling, the marginal KL is merely "
        "the remainder of the KL and may be large only because there are too few images."
    )


def aggregate_exhibit(
    results: Results, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """The aggregate posterior of each dimension with the prior; None without its arrays."""
    shown = with_arrays(drawings, "mu", "log_var")
    if not shown:
        return None
    ends = reach([drawing.arrays["mu"] for drawing in shown])
    z = np.linspace(-ends, ends, round(2 * ends / STEP) + 1)
    runs = results.runs
    distances = dict(zip(runs["run"], runs[MARGINAL_KL.name], strict=True))
    models = [
        Aggregate(
            drawing.model,
            drawing.label,
            marginal_densities(drawing.arrays["mu"], drawing.arrays["log_var"], z),
            np.argsort(-drawing.arrays["mu"].var(0), kind="stable"),
            f"marginal KL\n{format_number(distances[drawing.run])} nats",
        )
        for drawing in shown
    ]
    images = len(shown[0].arrays["mu"])
    values = [f"{drawing.model} {format_number(distances[drawing.run])}" for drawing in shown]
    return Exhibit(
        name="aggregate-posterior",
        title="The aggregate posterior and the prior",
        caption=(
            f"Density of q(z), the average posterior over all {images:,} images of the "
            f"{results.protocol.split} split, in single dimensions, computed exactly rather than "
            "sampled; the dotted line is the prior N(0, 1). Two-dimensional models show both "
            "dimensions (z1 solid, z2 dashed); larger ones show the most active (solid) and the "
            "least active (dashed) by variance of the posterior mean, with the range over all "
            "dimensions as a band. Peaks may be clipped. Each panel shows the marginal KL of its "
            "run, KL(q(z) || p(z)) over all dimensions jointly."
            f"{_ceiling_words(results)} {LOWEST_SEED} Every single dimension may match the prior "
            "even though the joint distribution does not."
        ),
        alt=(
            "One panel per model with density curves over z and the standard normal density. "
            f"Marginal KL: {join_and(values)} nats."
        ),
        figure=aggregate_posteriors(models, z, size_columns(shown), styles),
        format="svg",
    )

"""Reconstructions of the same test images by every model, their errors, the best and worst."""

from collections.abc import Sequence

import numpy as np

from analysis.figures.errors import error_maps, ranked, signed_errors
from analysis.figures.images import COLUMNS_SHOWN, reconstructions
from analysis.figures.latents import class_name
from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, ReportSection, Styles, drop_missing
from analysis.read.arrays import Drawings, that_share, with_arrays
from analysis.read.frames import Results
from analysis.sections.wording import IMAGES_ARE_MEANS, LOWEST_SEED, named, size_columns, without
from analysis.words import format_number, join_and, pluralise

RANKED = ("ranked_indices", "ranked_values", "ranked_originals", "ranked_reconstructions")


def section(found: Findings) -> ReportSection | None:
    """The section; None without arrays."""
    results, drawings, styles = found.results, found.drawings, found.styles
    shown = drop_missing(
        reconstructions_exhibit(results, drawings, styles),
        errors_exhibit(results, drawings, styles),
        ranked_exhibit(results, drawings, styles),
    )
    if not shown:
        return None
    notes = without(drawings, "best and worst images", *RANKED)
    return ReportSection("reconstructions", "Reconstructions", shown, notes=tuple(notes))


def reconstructions_exhibit(
    results: Results, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """The same test images reconstructed by every model; None without arrays."""
    shown, notes = that_share(with_arrays(drawings, "originals", "reconstructions"), "originals")
    if not shown:
        return None
    first = shown[0].arrays
    references = [("original", first["originals"])]
    same_input = "inputs" not in first or np.array_equal(first["inputs"], first["originals"])
    if not same_input:
        references.append(("input", first["inputs"]))
    seen = (
        f"The second row shows the encoder's {results.protocol.binarisation}ally binarised input. "
        if not same_input and results.protocol.binarisation != "none"
        else ""
    )
    amount = min(len(first["originals"]), COLUMNS_SHOWN)
    names = join_and([drawing.model for drawing in shown])
    return Exhibit(
        name="reconstructions",
        title="Reconstructions",
        caption=(
            f"The same {pluralise(amount, 'image')} of the {results.protocol.split} split "
            f"reconstructed by every model. {seen}{IMAGES_ARE_MEANS} {LOWEST_SEED} Compare blur, "
            "broken shapes and images that turn into another class."
        ),
        alt=f"Rows of {amount} images: the originals, then reconstructions by {names}.",
        figure=reconstructions(references, named(shown, "reconstructions"), styles),
        format="png",
        notes=tuple(notes),
    )


def errors_exhibit(
    results: Results, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """Errors of the same reconstructions, pixel by pixel; None without arrays."""
    shown, notes = that_share(with_arrays(drawings, "originals", "reconstructions"), "originals")
    if not shown:
        return None
    originals = shown[0].arrays["originals"][:COLUMNS_SHOWN]
    means = [
        float(np.abs(signed_errors(originals, d.arrays["reconstructions"][:COLUMNS_SHOWN])).mean())
        for d in shown
    ]
    values = [f"{d.model} {format_number(mean, 3)}" for d, mean in zip(shown, means, strict=True)]
    return Exhibit(
        name="reconstruction-errors",
        title="Reconstruction errors",
        caption=(
            f"Reconstruction minus original for the same {pluralise(len(originals), 'image')}, "
            "pixel by pixel and on one scale for all models: red where the reconstruction is too "
            "bright, blue where it is too dark, white where it is correct. The grey original is "
            "the reference because no model can predict its random binarisation. The number at the "
            "end of each row is the mean absolute error over its pixels, as a share of the grey "
            f"range. {LOWEST_SEED} Blur appears as a blue core with a red rim, a wrong shape as "
            "blue and red strokes side by side."
        ),
        alt=(
            f"{len(originals)} error images per model, blue for too dark and red for too "
            f"bright. Mean absolute error: {join_and(values)}."
        ),
        figure=error_maps(originals, named(shown, "reconstructions"), styles),
        format="png",
        notes=tuple(notes),
    )


def ranked_exhibit(
    results: Results, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """The best, median and worst reconstructed images of each model; None without their arrays."""
    shown = with_arrays(drawings, *RANKED)
    if not shown:
        return None
    amount = min(drawing.arrays["ranked_values"].shape[1] for drawing in shown)
    values = [
        f"{drawing.model} {format_number(float(ranks[0, 0]), 1)} to "
        f"{format_number(float(ranks[2, -1]), 1)}"
        for drawing in shown
        for ranks in (drawing.arrays["ranked_values"],)
    ]
    classes = results.data.classes if results.data else ()
    binarised = (
        " of the binarised image" if results.protocol.binarisation in ("dynamic", "static") else ""
    )
    return Exhibit(
        name="best-and-worst",
        title="Best, median and worst",
        caption=(
            f"Of all images of the {results.protocol.split} split, the {amount} that each model "
            f"reconstructs best, the {amount} around the median and the {amount} that it "
            "reconstructs worst, with originals above and reconstructions below. They are ranked "
            f"by the reconstruction term{binarised} in nats (lower is better), which increases "
            "from left to right and whose range is given above each row; the last image is the "
            f"worst of all. Images with few bright pixels cost few nats.{_easiest(shown, classes)}"
            f"{_shared(shown)} {IMAGES_ARE_MEANS} {LOWEST_SEED}"
        ),
        alt=(
            f"For each model, three double rows of {amount} images: best, median and worst, each "
            "above its reconstruction. Reconstruction term in nats from the best to the worst "
            f"image: {join_and(values)}."
        ),
        figure=ranked(
            [
                (
                    drawing.model,
                    drawing.label,
                    drawing.arrays["ranked_originals"],
                    drawing.arrays["ranked_reconstructions"],
                    drawing.arrays["ranked_values"],
                )
                for drawing in shown
            ],
            size_columns(shown),
            styles,
        ),
        format="png",
    )


def _shared(drawings: Sequence[Drawings]) -> str:
    """Say how far models agree on which images are hard; empty for one model."""
    if len(drawings) < 2:
        return ""
    worst = [set(drawing.arrays["ranked_indices"][2].tolist()) for drawing in drawings]
    common, together = len(set.intersection(*worst)), len(set.union(*worst))
    amount = pluralise(common, "image") if common else "No image"
    return (
        f" {amount} {'is' if common < 2 else 'are'} among the worst of every model; the worst of "
        f"all models together are {pluralise(together, 'different image')}."
    )


def _easiest(drawings: Sequence[Drawings], classes: Sequence[str]) -> str:
    """Name the most common class among the best images; empty without labels."""
    labelled = with_arrays(drawings, "labels")
    best = [d.arrays["labels"][d.arrays["ranked_indices"][0]] for d in labelled]
    if not best:
        return ""
    kinds, counts = np.unique(np.concatenate(best), return_counts=True)
    name = class_name(int(kinds[counts.argmax()]), classes)
    if counts.max() == counts.sum():
        return f" All {counts.sum()} of the best images belong to class {name}."
    return f" Of the {counts.sum()} best images, {counts.max()} belong to class {name}."

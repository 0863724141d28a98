"""Reconstructions: the same test images through every model."""

from collections.abc import Sequence

import numpy as np

from analysis.arrays import Drawings, that_share, with_arrays
from analysis.exhibits import Exhibit, Section, Styles, present
from analysis.figures.images import COLUMNS_SHOWN, reconstructions
from analysis.findings import Findings
from analysis.frames import Results
from analysis.sections.wording import IMAGES_ARE_MEANS, LOWEST_SEED, named
from analysis.words import counted, listing


def section(found: Findings) -> Section | None:
    """The chapter; None without arrays."""
    shown = present(reconstructions_exhibit(found.results, found.drawings, found.styles))
    return Section("reconstructions", "Reconstructions", shown) if shown else None


def reconstructions_exhibit(
    results: Results, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """The same test images through every model; None without arrays."""
    shown, notes = that_share(with_arrays(drawings, "originals", "reconstructions"), "originals")
    if not shown:
        return None
    first = shown[0].arrays
    references = [("original", first["originals"])]
    same_input = "inputs" not in first or np.array_equal(first["inputs"], first["originals"])
    if not same_input:
        references.append(("input", first["inputs"]))
    seen = (
        f"Second row: the {results.protocol.binarisation}ally binarised draw that the encoder saw. "
        if not same_input and results.protocol.binarisation != "none"
        else ""
    )
    amount = min(len(first["originals"]), COLUMNS_SHOWN)
    names = listing([drawing.model for drawing in shown])
    return Exhibit(
        name="reconstructions",
        title="Reconstructions",
        caption=(
            f"The same {counted(amount, 'image')} of the {results.protocol.split} split through "
            f"every model. {seen}{IMAGES_ARE_MEANS} {LOWEST_SEED} Compare blur, broken shapes "
            "and images that turn into another class."
        ),
        alt=f"Rows of {amount} images: the originals, then reconstructions by {names}.",
        figure=reconstructions(references, named(shown, "reconstructions"), styles),
        format="png",
        notes=tuple(notes),
    )

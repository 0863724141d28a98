"""Interpolations: straight paths between the codes of test images."""

from collections.abc import Sequence

from analysis.arrays import Drawings, that_share, with_arrays
from analysis.exhibits import Exhibit, Section, Styles, present
from analysis.figures.images import interpolations, pairs_shown
from analysis.findings import Findings
from analysis.frames import Results
from analysis.sections.wording import IMAGES_ARE_MEANS, LOWEST_SEED, named
from analysis.words import counted, listing


def section(found: Findings) -> Section | None:
    """The chapter; None without arrays."""
    shown = present(interpolations_exhibit(found.results, found.drawings, found.styles))
    return Section("interpolations", "Interpolations", shown) if shown else None


def interpolations_exhibit(
    results: Results, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """Straight paths between codes of test images; None without arrays."""
    candidates = with_arrays(drawings, "interpolations", "interpolation_originals")
    shown, notes = that_share(candidates, "interpolation_originals")
    if not shown:
        return None
    ends = shown[0].arrays["interpolation_originals"]
    amount = pairs_shown(len(ends), len(shown))
    steps = shown[0].arrays["interpolations"].shape[1]
    return Exhibit(
        name="interpolations",
        title="Interpolations",
        caption=(
            f"{counted(steps, 'point')} on the straight line between the posterior means of two "
            f"images of the {results.protocol.split} split, which stand at the ends; {amount} of "
            f"{counted(len(ends), 'pair')}, the same for every model. "
            f"{IMAGES_ARE_MEANS} {LOWEST_SEED} A good path changes evenly and belongs to a class "
            "everywhere."
        ),
        alt=(
            f"{counted(amount, 'group')} of rows, a row a model, between two large originals: "
            f"{listing([drawing.model for drawing in shown])}."
        ),
        figure=interpolations(ends, named(shown, "interpolations"), styles),
        format="png",
        notes=tuple(notes),
    )

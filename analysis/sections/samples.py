"""Samples: what the models draw from the prior."""

from collections.abc import Sequence

from analysis.arrays import Drawings, with_arrays
from analysis.exhibits import Exhibit, Section, Styles, present
from analysis.figures.images import samples
from analysis.findings import Findings
from analysis.sections.wording import IMAGES_ARE_MEANS, LOWEST_SEED, named
from analysis.words import listing


def section(found: Findings) -> Section | None:
    """The chapter; None without arrays."""
    shown = present(samples_exhibit(found.drawings, found.styles))
    return Section("samples", "Samples", shown) if shown else None


def samples_exhibit(drawings: Sequence[Drawings], styles: Styles) -> Exhibit | None:
    """Samples from the prior, a block a model; None without arrays."""
    shown = with_arrays(drawings, "samples")
    if not shown:
        return None
    columns = min(len({drawing.latent_dim for drawing in shown}), 4)
    return Exhibit(
        name="samples",
        title="Samples",
        caption=(
            f"Decoded draws from the prior N(0, I), not selected. {IMAGES_ARE_MEANS} "
            f"{LOWEST_SEED} Look for shapes that belong to no class, for classes that are missing, "
            "and for blur."
        ),
        alt=f"Square blocks of samples of {listing([drawing.model for drawing in shown])}.",
        figure=samples(named(shown, "samples"), columns, styles),
        format="png",
    )

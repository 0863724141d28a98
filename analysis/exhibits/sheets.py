"""Exhibits of what models draw: reconstructions, samples, interpolations, the latent plane."""

from collections.abc import Sequence

import numpy as np

from analysis.arrays import Array, Drawings, that_share, with_arrays
from analysis.exhibits import Exhibit, Styles
from analysis.figures.images import (
    COLUMNS_SHOWN,
    interpolations,
    pairs_shown,
    reconstructions,
    samples,
)
from analysis.figures.latents import latent_grid, posterior_means
from analysis.frames import Results
from analysis.words import counted, listing

LOWEST_SEED = "Each model is the run of its lowest seed."
IMAGES_ARE_MEANS = "Images are the means of the decoder's likelihood."


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
        figure=reconstructions(references, _named(shown, "reconstructions"), styles),
        format="png",
        notes=tuple(notes),
    )


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
        figure=samples(_named(shown, "samples"), columns, styles),
        format="png",
    )


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
        figure=interpolations(ends, _named(shown, "interpolations"), styles),
        format="png",
        notes=tuple(notes),
    )


def latent_grid_exhibit(drawings: Sequence[Drawings], styles: Styles) -> Exhibit | None:
    """The decoded plane of two-dimensional models; None without one."""
    shown, notes = that_share(
        with_arrays(drawings, "latent_grid", "latent_grid_axis"), "latent_grid_axis"
    )
    if not shown:
        return None
    grids = [
        (d.model, d.label, d.arrays["latent_grid"], d.arrays["latent_grid_axis"]) for d in shown
    ]
    axis = grids[0][3]
    ends = " to ".join(f"{end:g}".replace("-", "−") for end in (axis[0], axis[-1]))
    names = listing([drawing.model for drawing in shown])
    return Exhibit(
        name="latent-grid",
        title="The decoded plane",
        caption=(
            f"What {names} decode at {len(axis)} by {len(axis)} points of the latent plane, z1 and "
            f"z2 from {ends}. {IMAGES_ARE_MEANS} {LOWEST_SEED} Neighbours should resemble each "
            "other; see which class lies at the origin and which touch."
        ),
        alt=f"Dense squares of small decoded images over the latent plane of {names}.",
        figure=latent_grid(grids, styles),
        format="png",
        notes=tuple(notes),
    )


def posterior_means_exhibit(
    results: Results, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """Posterior means of the test split in the plane, coloured by class; None without any."""
    shown = [d for d in with_arrays(drawings, "mu", "labels") if d.latent_dim == 2]
    if not shown:
        return None
    clouds = [(d.model, d.label, d.arrays["mu"], d.arrays["labels"]) for d in shown]
    classes = results.data.classes if results.data else ()
    axes = [d.arrays["latent_grid_axis"] for d in with_arrays(shown, "latent_grid_axis")]
    square = float(axes[0][-1]) if axes else None
    framed = "; dashed: the plane decoded above" if square is not None else ""
    names = listing([drawing.model for drawing in shown])
    return Exhibit(
        name="posterior-means",
        title="Where the images lie",
        caption=(
            f"Posterior means of all {len(clouds[0][2]):,} images of the {results.protocol.split} "
            "split, coloured by class, with the class's name at its median. Circles: one and two "
            f"standard deviations of the prior{framed}. {LOWEST_SEED} Classes that overlap here "
            "are confused in reconstructions."
        ),
        alt=f"Scatter plots of posterior means by class in the latent plane of {names}.",
        figure=posterior_means(clouds, classes, square, styles),
        format="png",
    )


def _named(drawings: Sequence[Drawings], array: str) -> list[tuple[str, str, Array]]:
    return [(drawing.model, drawing.label, drawing.arrays[array]) for drawing in drawings]

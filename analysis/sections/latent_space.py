"""The latent space: what its dimensions encode, where images are, what the plane decodes to."""

from collections.abc import Sequence

import pandas as pd

from analysis.estimate.intervals import sorted_kl_per_dim
from analysis.figures.effects import kl_per_dimension
from analysis.figures.latents import Path, class_name, latent_grid, posterior_means
from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, ReportSection, Styles, drop_missing
from analysis.read.arrays import Drawings, that_share, with_arrays
from analysis.read.frames import Results
from analysis.sections.codes import aggregate_exhibit, codes_table
from analysis.sections.plane import borders_table, classes_exhibit, plane_table
from analysis.sections.wording import IMAGES_ARE_MEANS, LOWEST_SEED, without
from analysis.words import format_active_units, format_range, join_and


def section(found: Findings) -> ReportSection | None:
    """The section; None if there is nothing to show."""
    results, drawings, styles = found.results, found.drawings, found.styles
    shown = drop_missing(
        latent_grid_exhibit(results, drawings, styles),
        classes_exhibit(results, drawings, styles),
        plane_table(found),
        borders_table(results, drawings),
        posterior_means_exhibit(results, drawings, styles),
        dimensions_exhibit(results, found.summary, styles),
        codes_table(found),
        aggregate_exhibit(results, drawings, styles),
    )
    notes = without(drawings, "aggregate posterior", "mu", "log_var")
    return (
        ReportSection("latent-space", "The latent space", shown, notes=tuple(notes))
        if shown
        else None
    )


def latent_grid_exhibit(
    results: Results, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """The decoded plane of two-dimensional models; None if there is none."""
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
    names = join_and([drawing.model for drawing in shown])
    paths = _first_paths(results, shown)
    return Exhibit(
        name="latent-grid",
        title="The decoded plane",
        caption=(
            f"Images decoded by {names} at {len(axis)} by {len(axis)} points of the latent plane, "
            f"z1 and z2 from {ends}. {IMAGES_ARE_MEANS} {LOWEST_SEED} Neighbours should resemble "
            "each other; note which class is at the origin and which classes touch."
            f"{_path_words(paths, float(axis[0]), float(axis[-1]))}"
        ),
        alt=f"Grids of small decoded images over the latent plane of {names}"
        + (", with a straight path drawn on them." if paths else "."),
        figure=latent_grid(grids, styles, paths),
        format="png",
        notes=tuple(notes),
    )


def _first_paths(results: Results, drawings: Sequence[Drawings]) -> dict[str, Path]:
    """The first interpolation of each model that has one, by display name."""
    classes = results.data.classes if results.data else ()
    paths = {}
    for drawing in with_arrays(drawings, "interpolation_codes"):
        labels = drawing.arrays.get("interpolation_labels")
        named = (
            () if labels is None else tuple(class_name(int(kind), classes) for kind in labels[0])
        )
        paths[drawing.model] = Path(drawing.arrays["interpolation_codes"][0], named)
    return paths


def _path_words(paths: dict[str, Path], low: float, high: float) -> str:
    """Describe the line on the plane and which models' lines leave it; empty without any."""
    if not paths:
        return ""
    named = next((path.ends for path in paths.values() if path.ends), ())
    what = f" from a test image of class {named[0]} to one of class {named[1]}" if named else ""
    leaving = [
        model
        for model, path in paths.items()
        if (path.codes < low).any() or (path.codes > high).any()
    ]
    beyond = (
        f" It leaves the square and is clipped at its edge for {join_and(leaving)}."
        if leaving
        else ""
    )
    return (
        f" The orange line is the interpolation of the first pair{what}, with one point per step, "
        f"a ring at the start and a square at the end.{beyond}"
    )


def posterior_means_exhibit(
    results: Results, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """Posterior means of the test split in the plane, coloured by class; None if there are none."""
    shown = [d for d in with_arrays(drawings, "mu", "labels") if d.latent_dim == 2]
    if not shown:
        return None
    clouds = [(d.model, d.label, d.arrays["mu"], d.arrays["labels"]) for d in shown]
    classes = results.data.classes if results.data else ()
    axes = [d.arrays["latent_grid_axis"] for d in with_arrays(shown, "latent_grid_axis")]
    square = float(axes[0][-1]) if axes else None
    framed = "; the dashed square is the plane decoded above" if square is not None else ""
    names = join_and([drawing.model for drawing in shown])
    return Exhibit(
        name="posterior-means",
        title="Posterior means",
        caption=(
            f"Posterior means of all {len(clouds[0][2]):,} images of the {results.protocol.split} "
            "split, coloured by class, with class names near the medians. The circles are "
            f"one and two standard deviations of the prior{framed}. {LOWEST_SEED} Classes that "
            "overlap here are confused in reconstructions."
        ),
        alt=f"Scatter plots of posterior means by class in the latent plane of {names}.",
        figure=posterior_means(clouds, classes, square, styles),
        format="png",
    )


def dimensions_exhibit(results: Results, summary: pd.DataFrame, styles: Styles) -> Exhibit | None:
    """KL of each dimension for models with more than two; None if there are none."""
    larger = summary[summary["latent_dim"] > 2]
    if larger.empty:
        return None
    values = [
        f"{row['model']} {format_active_units(row['active_units_mean'], row['latent_dim'])}"
        for _, row in larger.iterrows()
    ]
    return Exhibit(
        name="kl-per-dimension",
        title="KL per dimension",
        caption=(
            "KL of each latent dimension, in nats per image of the "
            f"{results.protocol.split} split, sorted within each run; bars are means over "
            f"{format_range(larger['seeds'].tolist(), 'seed')}, and whiskers range from the lowest "
            "to the highest. A dimension is active if the variance of its posterior mean over the "
            "split exceeds 0.01. Bars near zero are dimensions that the model does not use."
        ),
        alt=f"Bar charts of sorted KL per dimension. Active dimensions: {join_and(values)}.",
        figure=kl_per_dimension(sorted_kl_per_dim(results.runs), larger, styles),
        format="svg",
    )

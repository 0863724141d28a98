"""The judge's classes on the plane of two-dimensional latents, as a map and as numbers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.figures.latents import class_name
from analysis.figures.plane import ClassMap, class_maps
from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, Styles, TableExhibit
from analysis.present.tables import Cell, Column, Table, metrics_table, shown_metrics
from analysis.read.arrays import Drawings, with_arrays
from analysis.read.frames import Results
from analysis.sections.wording import LOWEST_SEED, over_seeds, threshold, threshold_words
from analysis.words import NOTHING, join_and
from pipeline.schemas.judged_metrics import GRID_CENTER_CLASS, PLANE

SQUARE = 1.5  # half the side of the plane that the judge sees


def classes_exhibit(
    results: Results, drawings: Sequence[Drawings], styles: Styles
) -> Exhibit | None:
    """The classes that the judge sees on the decoded plane; None without its arrays."""
    planes = with_arrays(drawings, "plane_classes")
    if not planes:
        return None
    classes, least = results.data.classes if results.data else (), threshold(results)
    size = planes[0].arrays["plane_classes"].shape
    maps = [_map(d, least) for d in planes if d.arrays["plane_classes"].shape == size]
    other = [d.model for d in planes if d.arrays["plane_classes"].shape != size]
    dotted = (
        f" Pale cells with a dot: confidence is at most {threshold_words(least)}."
        if any(shown.plausible is not None for shown in maps)
        else ""
    )
    return Exhibit(
        name="plane-classes",
        title="Classes on the plane",
        caption=(
            f"The judge's class for the image decoded at each of {size[0]} by {size[1]} points of "
            f"the plane, z1 and z2 from −{SQUARE:g} to {SQUARE:g}, by colour and label; lines "
            f"separate classes, and a cross marks the origin.{dotted} Small patches of a class "
            f"that also has a larger one are not labelled. {LOWEST_SEED} Pale bands between "
            "classes decode to shapes that belong to none."
        ),
        alt=" ".join(_in_words(shown, classes) for shown in maps),
        figure=class_maps(maps, np.linspace(-SQUARE, SQUARE, size[0]), classes, styles),
        format="png",
        notes=(f"Not shown, because judged at other points: {join_and(other)}.",) if other else (),
    )


def _map(drawing: Drawings, least: float) -> ClassMap:
    arrays = drawing.arrays
    confidence = arrays.get("plane_confidence")
    return ClassMap(
        drawing.model,
        drawing.label,
        arrays["plane_classes"],
        None if confidence is None else np.asarray(confidence > least),
    )


def _in_words(shown: ClassMap, classes: Sequence[str]) -> str:
    """Describe a map by the shares of its classes, the largest first."""
    kinds, counts = np.unique(shown.classes, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shares = [
        f"{class_name(int(kinds[at]), classes)} {100 * counts[at] / shown.classes.size:.0f} %"
        for at in order
    ]
    middle = int(shown.classes[shown.classes.shape[0] // 2, shown.classes.shape[1] // 2])
    return (
        f"Map of {shown.model}: {class_name(middle, classes)} at the origin; shares of the plane: "
        f"{join_and(shares)}."
    )


def plane_table(found: Findings) -> TableExhibit | None:
    """Class at the origin, its neighbours and the classes on the plane; None without them."""
    summary, results = found.summary, found.results
    if GRID_CENTER_CLASS.name not in shown_metrics(summary):
        return None
    flat = summary[summary["latent_dim"] == 2]
    classes = results.data.classes if results.data else ()
    return TableExhibit(
        "plane-center",
        "The centre of the plane",
        "The judge's class for the image decoded at the origin, the number of other classes that "
        "this class borders, and the number of classes on the plane. If several seeds have the "
        "same class at the origin, their number is in brackets; other values are means "
        f"{over_seeds(flat, found.confidence)}, which with few seeds may extend beyond possible "
        "values. If the seeds disagree, the class at the centre depends on the seed rather than "
        "on the model.",
        metrics_table(flat, results.protocol, PLANE, classes),
    )


def borders_table(results: Results, drawings: Sequence[Drawings]) -> TableExhibit | None:
    """Number of other classes that each class borders on the plane; None without arrays."""
    shown = with_arrays(drawings, "plane_borders")
    if not shown:
        return None
    classes = results.data.classes if results.data else ()
    borders = {
        drawing.model: {int(kind): int(amount) for kind, amount in drawing.arrays["plane_borders"]}
        for drawing in shown
    }
    kinds = sorted({kind for row in borders.values() for kind in row} | set(range(len(classes))))
    names = [class_name(kind, classes) for kind in kinds]
    rows = tuple(
        (
            Cell(drawing.label),
            *(Cell(str(borders[drawing.model].get(kind, NOTHING))) for kind in kinds),
        )
        for drawing in shown
    )
    frame = pd.DataFrame(
        [
            {"model": model, "class": name, "borders": row.get(kind)}
            for model, row in borders.items()
            for kind, name in zip(kinds, names, strict=True)
        ]
    )
    return TableExhibit(
        "plane-borders",
        "Neighbours of each class",
        "One column per class: the number of other classes with which it shares a cell edge on "
        f"the plane, or – if the judge sees it nowhere. {LOWEST_SEED} A central class borders "
        "many others, one at the edge few.",
        Table((Column("Model", numeric=False), *(Column(name) for name in names)), rows),
        frame,
    )

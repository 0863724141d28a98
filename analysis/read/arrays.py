"""``results/runs/<run>/arrays.npz``: generated images, latent codes, and values of each image.

A figure shows the run with the lowest seed that has arrays, so that none can be hand-picked.
Values of each image are read from all runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.read.cells import REMEDY, ResultsError
from analysis.words import join_and
from pipeline.schemas.arrays import ARRAYS, read_arrays, read_checked_arrays
from pipeline.schemas.metric import Metric
from pipeline.schemas.metrics import ELBO

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Drawings:
    """The images and codes of one run.

    Attributes:
        model: display name of its configuration.
        run: its folder under ``results/runs/``.
        latent_dim: number of latent dimensions.
        collapsed: whether the run collapsed.
        arrays: by name, as in ``arrays.npz``.
    """

    model: str
    run: str
    latent_dim: int
    collapsed: bool
    arrays: Mapping[str, Array]

    @property
    def label(self) -> str:
        """The display name, flagged if the run collapsed."""
        return f"{self.model} (collapsed)" if self.collapsed else self.model


def load_drawings(folder: Path, runs: pd.DataFrame) -> tuple[list[Drawings], list[str]]:
    """The drawings of each configuration, in the order of ``runs``, and notes on what is missing.

    Raises:
        ResultsError: if an archive cannot be read, or an array has another type or shape.
    """
    drawings, missing = [], []
    for model, group in runs.groupby("model", sort=False):
        ordered = group.sort_values("seed")
        paths = [folder / "runs" / run / ARRAYS for run in ordered["run"]]
        found = [place for place, path in enumerate(paths) if path.exists()]
        if not found:
            missing.append(str(model))
            continue
        row = ordered.iloc[found[0]]
        latent_dim = int(row["latent_dim"])
        drawings.append(
            Drawings(
                model=str(model),
                run=str(row["run"]),
                latent_dim=latent_dim,
                collapsed=bool(row["collapsed"]),
                arrays=read_checked_arrays(paths[found[0]], latent_dim),
            )
        )
    notes = (
        [f"No images of {join_and(missing)}, because there is no arrays.npz."] if missing else []
    )
    return drawings, notes


def with_arrays(drawings: Sequence[Drawings], *names: str) -> list[Drawings]:
    """Select the drawings that have all these arrays, none of them empty."""
    return [
        drawing
        for drawing in drawings
        if all(name in drawing.arrays and drawing.arrays[name].size for name in names)
    ]


def that_share(drawings: Sequence[Drawings], name: str) -> tuple[list[Drawings], list[str]]:
    """Select the drawings whose array equals the first's, with notes on the others.

    Only models that were given the same images may be compared image by image.
    """
    if not drawings:
        return [], []
    first = drawings[0].arrays[name]
    same = [drawing for drawing in drawings if np.array_equal(drawing.arrays[name], first)]
    others = [
        drawing.model for drawing in drawings if not np.array_equal(drawing.arrays[name], first)
    ]
    notes = [f"Left out, because it was given other images: {join_and(others)}."] if others else []
    return same, notes


def load_per_image(
    folder: Path, runs: pd.DataFrame, metric: Metric = ELBO
) -> tuple[dict[str, NDArray[np.float64]], list[str]]:
    """A metric's values (N,) for all test images, by run, and notes on what is missing.

    Raises:
        ResultsError: if an archive cannot be read, or its values are not those of the run.
    """
    values: dict[str, NDArray[np.float64]] = {}
    for run, mean in zip(runs["run"], runs[metric.name], strict=True):
        path = folder / "runs" / run / ARRAYS
        if path.exists() and metric.name in (arrays := read_arrays(path, (metric.name,))):
            values[run] = _checked_values(path, arrays[metric.name], metric, float(mean))
    sizes = {run: len(array) for run, array in values.items()}
    if len(set(sizes.values())) > 1:
        fewest, most = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
        raise ResultsError(
            f"{folder / 'runs'}: {metric.name} of {fewest} has {sizes[fewest]} images and of "
            f"{most} {sizes[most]}, and all must have the same; {REMEDY}"
        )
    absent = [run for run in runs["run"] if run not in values]
    notes = (
        [
            f"No interval over images for {join_and(absent)}, whose {metric.label} per image is "
            "missing."
        ]
        if absent
        else []
    )
    return values, notes


def load_borders(folder: Path, runs: pd.DataFrame) -> dict[str, Array]:
    """Borders of each two-dimensional run, by run: (C, 2), a class and how many it borders.

    Raises:
        ResultsError: if an archive cannot be read, or its array is not of two whole columns.
    """
    borders: dict[str, Array] = {}
    for run in runs[runs["latent_dim"] == 2]["run"]:
        path = folder / "runs" / run / ARRAYS
        found = read_arrays(path, ("plane_borders",)) if path.exists() else {}
        for array in found.values():
            if array.ndim != 2 or array.shape[1] != 2 or not np.issubdtype(array.dtype, np.integer):
                raise ResultsError(
                    f"{path}: plane_borders has the shape {array.shape} of {array.dtype}, and must "
                    f"have two columns of whole numbers; {REMEDY}"
                )
            borders[run] = array
    return borders


def _checked_values(path: Path, array: Array, metric: Metric, mean: float) -> NDArray[np.float64]:
    name = metric.name
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise ResultsError(
            f"{path}: {name} must be one finite number per image, in one axis; {REMEDY}"
        )
    values = array.astype(np.float64)
    # An archive of another evaluation would give the difference a wrong interval.
    if abs(values.mean() - mean) > 0.01 + 1e-4 * abs(mean):
        raise ResultsError(
            f"{path}: {name} has the mean {values.mean():g} over images, but the run's {name} in "
            f"metrics.csv is {mean:g}, and both must be of one evaluation; {REMEDY}"
        )
    return values

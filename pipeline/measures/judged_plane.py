"""The judge's classes on the plane of a 2-D latent space.

Shapes: a plane of G x G cells.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from pipeline.evaluation.evaluated_model import Measurement
from pipeline.evaluation.pictures import PLANE, plane
from pipeline.judge.context import JudgedModel

CELLS = 31  # per side of the plane

Classes = npt.NDArray[np.int64]


def measure(subject: JudgedModel) -> Measurement:
    """Return the class at the origin, its neighbours and the number of classes; 2-D only.

    Cell [i, j] of ``plane_classes`` and ``plane_confidence`` has the code (axis[j], axis[i]), with
    axis from -1.5 to 1.5. ``plane_borders`` lists each class and how many others it borders.
    """
    if subject.model.latent_dim != 2:
        return {}, {}
    codes = plane(torch.linspace(-PLANE, PLANE, CELLS))
    verdicts = subject.context.judge.judge(subject.model.mean_images(codes))
    classes = verdicts.classes.reshape(CELLS, CELLS).numpy()
    grid = grid_centrality(classes)
    return {
        "grid_center_class": grid.center_class,
        "grid_center_borders": grid.center_borders,
        "grid_classes": len(grid.borders),
    }, {
        "plane_classes": classes,
        "plane_confidence": verdicts.confidence.reshape(CELLS, CELLS).numpy(),
        "plane_borders": np.array(list(grid.borders.items()), dtype=np.int64),
    }


@dataclass(frozen=True, slots=True)
class GridCentrality:
    """Which class is in the middle of the plane, and which classes border each other.

    Attributes:
        center_class: class of the cell at the origin.
        borders: for each class that occurs, in order, the number of other classes it borders.
    """

    center_class: int
    borders: dict[int, int]

    @property
    def center_borders(self) -> int:
        """Number of other classes that the class at the origin borders."""
        return self.borders[self.center_class]


def grid_centrality(classes: Classes) -> GridCentrality:
    """Summarise a plane of classes.

    Two classes border each other if a cell of one and a cell of the other share a side.

    Args:
        classes: (G, G) with odd G, so that one cell is at the origin.

    Raises:
        ValueError: if there is no cell in the middle.
    """
    height, width = classes.shape
    if height % 2 == 0 or width % 2 == 0:
        raise ValueError(f"{height} x {width} cells have no middle; use odd numbers")
    across = np.stack([classes[:, :-1], classes[:, 1:]], axis=-1).reshape(-1, 2)
    down = np.stack([classes[:-1], classes[1:]], axis=-1).reshape(-1, 2)
    sides = {(int(a), int(b)) for a, b in np.concatenate([across, down]) if a != b}
    neighbours: dict[int, set[int]] = {int(present): set() for present in np.unique(classes)}
    for first, second in sides:
        neighbours[first].add(second)
        neighbours[second].add(first)
    return GridCentrality(
        int(classes[height // 2, width // 2]),
        {present: len(others) for present, others in neighbours.items()},
    )

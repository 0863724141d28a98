"""What a judge sees on the way between two images, and on the plane around the origin: pure.

Shapes: P paths of T points, a plane of G x G cells.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

Classes = npt.NDArray[np.int64]


class PathPlausibility(NamedTuple):
    """How far straight paths between codes stay among images that the judge takes for real.

    Attributes:
        min_confidence: the least confidence on a path, averaged over paths.
        plausible: share of points whose confidence is above the threshold, averaged over paths.
    """

    min_confidence: float
    plausible: float


def path_plausibility(confidence: Tensor, threshold: float) -> PathPlausibility:
    """Sum up the judge's confidence along paths.

    Args:
        confidence: (P, T) largest class probability at each point, both ends included.
        threshold: the 5th percentile of the confidence in real test images.
    """
    confidence = confidence.double()
    return PathPlausibility(
        confidence.amin(1).mean().item(), (confidence > threshold).double().mean().item()
    )


@dataclass(frozen=True, slots=True)
class GridCentrality:
    """Which class lies in the middle of the plane, and which lie beside each other.

    Attributes:
        center_class: of the cell at the origin.
        borders: for each class that occurs, in order, the number of other classes it borders.
    """

    center_class: int
    borders: dict[int, int]

    @property
    def center_borders(self) -> int:
        """Number of other classes that the class at the origin borders."""
        return self.borders[self.center_class]


def grid_centrality(classes: Classes) -> GridCentrality:
    """Sum up a plane of classes.

    Two classes border each other where a cell of one and a cell of the other share a side.

    Args:
        classes: (G, G), G odd, so that one cell is the origin's.

    Raises:
        ValueError: if no cell is in the middle.
    """
    height, width = classes.shape
    if height % 2 == 0 or width % 2 == 0:
        raise ValueError(f"{height} x {width} cells have none in the middle; use odd numbers")
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

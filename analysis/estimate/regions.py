"""Connected regions of the classes on a plane, and where to put each label."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

NAMED_CELLS = 12  # a region this large is labelled even if its class has a larger one


@dataclass(frozen=True, slots=True)
class Region:
    """Cells of one class, connected by their edges.

    Attributes:
        kind: index of the class.
        cells: number of cells.
        row: row of the cell that is farthest from other classes and from the edge of the plane; if
            several are, the one nearest to the mean of the region.
        column: likewise.
    """

    kind: int
    cells: int
    row: int
    column: int


def regions(classes: NDArray[np.integer]) -> list[Region]:
    """Return all regions of a plane (G, G) of classes, by class and from large to small."""
    found = []
    for kind in np.unique(classes):
        pieces, amount = ndimage.label(classes == kind)
        for piece in range(1, amount + 1):
            mask = pieces == piece
            # Padded with a rim of other cells: a label should not be on the edge of the plane.
            depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
            deepest = np.argwhere(depth == depth.max())
            off = ((deepest - np.argwhere(mask).mean(0)) ** 2).sum(1)
            row, column = deepest[int(off.argmin())].tolist()
            found.append(Region(int(kind), int(mask.sum()), row, column))
    return sorted(found, key=lambda region: (region.kind, -region.cells, region.row))


def named_regions(classes: NDArray[np.integer]) -> list[Region]:
    """Return each class's largest region, and all others of at least ``NAMED_CELLS`` cells."""
    seen: set[int] = set()
    named = []
    for region in regions(classes):
        if region.kind not in seen or region.cells >= NAMED_CELLS:
            named.append(region)
        seen.add(region.kind)
    return named

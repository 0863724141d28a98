"""Where the classes of a plane lie: its connected regions and the middle of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

NAMED_CELLS = 12  # a region this large is named even where its class has a larger one


@dataclass(frozen=True, slots=True)
class Region:
    """Cells of one class that hang together by their sides.

    Attributes:
        kind: number of the class.
        cells: how many there are.
        row: of the cell that lies farthest from all others' cells and from the plane's edge; of
            several, the one nearest to the region's mean.
        column: likewise.
    """

    kind: int
    cells: int
    row: int
    column: int


def regions(classes: NDArray[np.integer]) -> list[Region]:
    """All regions of a plane (G, G) of classes, by class and then from the largest."""
    found = []
    for kind in np.unique(classes):
        pieces, amount = ndimage.label(classes == kind)
        for piece in range(1, amount + 1):
            mask = pieces == piece
            # A rim of other cells around the plane: a name should not lie on its edge.
            depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
            deepest = np.argwhere(depth == depth.max())
            off = ((deepest - np.argwhere(mask).mean(0)) ** 2).sum(1)
            row, column = deepest[int(off.argmin())].tolist()
            found.append(Region(int(kind), int(mask.sum()), row, column))
    return sorted(found, key=lambda region: (region.kind, -region.cells, region.row))


def named_regions(classes: NDArray[np.integer]) -> list[Region]:
    """The largest region of each class, and every other of at least ``NAMED_CELLS`` cells."""
    seen: set[int] = set()
    named = []
    for region in regions(classes):
        if region.kind not in seen or region.cells >= NAMED_CELLS:
            named.append(region)
        seen.add(region.kind)
    return named

"""Regions of a plane of classes."""

import numpy as np

from analysis.estimate.regions import Region, named_regions, regions


def test_a_name_lies_in_the_middle_of_its_region() -> None:
    classes = np.zeros((7, 9), int)
    classes[1:6, 1:6] = 3
    assert regions(classes)[-1] == Region(kind=3, cells=25, row=3, column=3)


def test_of_equally_deep_cells_the_one_nearest_to_the_mean() -> None:
    classes = np.ones((3, 9), int)
    (whole,) = regions(classes)
    assert (whole.row, whole.column) == (1, 4)


def test_parts_that_touch_by_corners_are_two() -> None:
    classes = np.array([[1, 0], [0, 1]])
    assert [(region.kind, region.cells) for region in regions(classes)] == [(0, 1)] * 2 + [
        (1, 1)
    ] * 2


def test_small_second_parts_have_no_name() -> None:
    classes = np.zeros((6, 12), int)
    classes[:, 4] = 1
    classes[0, 11] = 1
    assert [(region.kind, region.cells) for region in named_regions(classes)] == [
        (0, 41), (0, 24), (1, 6)
    ]  # fmt: skip

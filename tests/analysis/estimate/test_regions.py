"""Regions of a plane of classes."""

import numpy as np

from analysis.estimate.regions import Region, named_regions, regions


def test_a_label_is_in_the_middle_of_its_region() -> None:
    classes = np.zeros((7, 9), int)
    classes[1:6, 1:6] = 3
    assert regions(classes)[-1] == Region(kind=3, cells=25, row=3, column=3)


def test_ties_are_broken_by_distance_to_the_mean() -> None:
    classes = np.ones((3, 9), int)
    (whole,) = regions(classes)
    assert (whole.row, whole.column) == (1, 4)


def test_regions_that_touch_at_corners_are_separate() -> None:
    classes = np.array([[1, 0], [0, 1]])
    assert [(region.kind, region.cells) for region in regions(classes)] == [(0, 1)] * 2 + [
        (1, 1)
    ] * 2


def test_small_secondary_regions_are_not_labelled() -> None:
    classes = np.zeros((6, 12), int)
    classes[:, 4] = 1
    classes[0, 11] = 1
    assert [(region.kind, region.cells) for region in named_regions(classes)] == [
        (0, 41), (0, 24), (1, 6)
    ]  # fmt: skip

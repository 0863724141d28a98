"""Paths between codes, on answers that can be counted by hand."""

import pytest
import torch

from pipeline.evaluation.pictures import pairs_to_show
from pipeline.measures.paths import PATH_POINTS, PATHS, measure, path_plausibility
from tests.pipeline.evaluation.subjects import evaluated
from tests.pipeline.judge.known_judge import judged, pixels_of


def test_paths_are_summed_up() -> None:
    seen = torch.tensor([[0.9, 0.5, 0.8], [1.0, 0.7, 0.6]])
    paths = path_plausibility(seen, threshold=0.65)
    assert paths.min_confidence == pytest.approx((0.5 + 0.6) / 2)
    assert paths.plausible == pytest.approx(4 / 6)


def test_a_confidence_at_the_threshold_is_not_above_it() -> None:
    assert path_plausibility(torch.full((2, 3), 0.5), threshold=0.5).plausible == 0


def test_paths_of_a_known_decoder() -> None:
    """Along a path the judge is 1, 0.95, ..., 0.5 sure, or 1, 0.9, ..., 0.4, by its pair."""
    model = pixels_of([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [0.0, 0.0])
    mu = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.0]])
    labels = torch.tensor([0, 1, 1])
    numbers, arrays = measure(judged(evaluated(model, mu, labels, seed=3)))
    pairs = pairs_to_show(labels.numpy(), PATHS, seed=3)
    short = (pairs.sum(1) == 1).mean()  # of images 0 and 1; the others are of 0 and 2
    assert 0.4 < short < 0.6
    # Above 0.62 are 8 points of a short path and 4 of a long one.
    expected = (8 * short + 4 * (1 - short)) / PATH_POINTS
    assert numbers["path_plausibility"] == pytest.approx(expected)
    lowest = 0.5 * short + 0.4 * (1 - short)
    assert numbers["path_min_confidence"] == pytest.approx(lowest, abs=1e-6)
    assert arrays == {}


def test_there_are_enough_paths_and_points() -> None:
    assert PATHS >= 200
    assert PATH_POINTS >= 11


def test_a_split_of_one_class_has_no_path() -> None:
    model = pixels_of([[0.1, 0.0, 0.0], [0.0, 0.1, 0.0]], [0.5, 0.5])
    one_class = torch.zeros(9, dtype=torch.int64)
    assert measure(judged(evaluated(model, torch.zeros(9, 3), one_class))) == ({}, {})

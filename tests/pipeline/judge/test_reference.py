"""The real images that drawn ones are compared with, before a judge whose opinions are known."""

import math

import pytest
import torch
from torch import Tensor

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import PreparedData
from pipeline.judge.classifier import Judge, Verdicts
from pipeline.judge.reference import compare, make_reference, real_scores
from pipeline.judge.sample_metrics import (
    coverage,
    density,
    frechet_distance,
    kernel_distance,
    low_confidence,
    precision,
    recall,
)
from pipeline.settings import JudgeSettings, Settings
from tests.pipeline.judge.known_judge import reference_of


class Pixels(Judge):
    """Its features are the pixels; it is surer the brighter pixel 0 is."""

    def __init__(self) -> None:
        super().__init__(8, 8, 2, (1,), 64)

    def judge(self, images: Tensor) -> Verdicts:
        sure = 0.5 + images[:, 0, 0, 0] / 2
        return Verdicts(images.flatten(1), torch.stack([sure, 1 - sure], dim=1))


def judge_settings(tiny: Settings, **changes: int) -> JudgeSettings:
    return tiny.judge.model_copy(update=changes)


def test_neighbours_are_sought_among_equally_many(
    prepared: PreparedData, tiny_settings: Settings
) -> None:
    test = prepared.splits["test"]
    whole = make_reference(Pixels(), test, judge_settings(tiny_settings))
    part = make_reference(Pixels(), test, judge_settings(tiny_settings, samples=24))
    assert (len(whole.features), len(whole.matched)) == (40, 40)
    assert (len(part.features), len(part.matched)) == (40, 24)
    assert compare(part, part.matched)["precision"] == 1
    below = (whole.features[:, 0] * 0.5 + 0.5 < whole.plausible_confidence).sum()
    assert below == 2  # 5 % of 40


def test_a_comparison_gives_each_number_its_name() -> None:
    generator = torch.Generator().manual_seed(0)
    real, drawn = torch.randn(2, 30, 3, generator=generator) * torch.tensor([[[1.0]], [[2.0]]])
    found = compare(reference_of(real), drawn)
    assert found == {
        "frechet_distance": frechet_distance(real, drawn),
        "kernel_distance": kernel_distance(real, drawn).value,
        "kernel_distance_error": kernel_distance(real, drawn).error,
        "precision": precision(real, drawn),
        "recall": recall(real, drawn),
        "density": density(real, drawn),
        "coverage": coverage(real, drawn),
    }
    assert len(set(found.values())) == len(found)


def test_real_images_score_like_real_images(
    prepared: PreparedData, tiny_settings: Settings
) -> None:
    train, test = prepared.splits["train"], prepared.splits["test"]
    scores = real_scores(Pixels(), train, test, judge_settings(tiny_settings))
    assert (scores.images, scores.test_images) == (104, 40)
    same = real_scores(Pixels(), test, test, judge_settings(tiny_settings))
    assert same.frechet_distance == pytest.approx(0, abs=1e-9)
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    assert scores.frechet_distance > 0
    assert scores.class_entropy <= math.log(2)
    seen = Pixels().judge(model_inputs(test, "none")).probabilities
    assert scores.low_confidence == low_confidence(seen, scores.plausible_confidence) == 0.05

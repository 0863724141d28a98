"""A VAE before the judge, with a decoder and a judge whose opinions are known."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from pipeline.judge.compare import (
    PATH_POINTS,
    PATHS,
    judge_metrics,
    judge_pictures,
    judged_protocol,
    path_pairs,
)
from torch import Tensor, nn

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import PreparedData
from pipeline.judge.classifier import Judge, Verdicts
from pipeline.judge.reference import Reference, compare, make_reference, real_scores
from pipeline.judge.sample_metrics import (
    coverage,
    density,
    frechet_distance,
    kernel_distance,
    low_confidence,
    precision,
    recall,
)
from pipeline.models import VAE
from pipeline.schemas import judged_metrics
from pipeline.schemas.protocol import Protocol, ProtocolError, require_same_protocol
from pipeline.settings import JudgeSettings, Settings

PAIR = torch.tensor([[0, 1]])


class Thresholds(Judge):
    """Judges images of 1 x 2 pixels: pixel 0 says the class, pixel 1 how sure it is.

    Above 0.7 on the left is class 2, above 0.3 class 1, else class 0; the features are the pixels.
    """

    def __init__(self) -> None:
        super().__init__(1, 2, 3, (1,), 64)

    def judge(self, images: Tensor) -> Verdicts:
        assert images.min() >= 0
        assert images.max() <= 1
        left, right = images.flatten(1).unbind(1)
        classes = (left > 0.3).long() + (left > 0.7).long()
        sure = right.clamp(0.4, 1).unsqueeze(1)
        named = nn.functional.one_hot(classes, 3)
        return Verdicts(images.flatten(1), named * sure + (1 - named) * (1 - sure) / 2)


def pixels_of(matrix: list[list[float]], offset: list[float]) -> VAE:
    """Pixels are an affine map of the code, which has as many dimensions as the matrix columns."""
    decoder = nn.Linear(len(matrix[0]), 2)
    decoder.weight.data = torch.tensor(matrix)
    decoder.bias.data = torch.tensor(offset)
    body = nn.Sequential(decoder, nn.Unflatten(1, (1, 1, 2)))
    return VAE(nn.Identity(), body, len(matrix[0]), "gaussian", 1.0).eval()


def reference_of(features: Tensor, samples: int = 640) -> Reference:
    return Reference(features, features[:samples], plausible_confidence=0.62, samples=samples)


def judged(model: VAE, mu: Tensor, pairs: Tensor, features: Tensor) -> tuple[dict, dict]:  # type: ignore[type-arg]
    generator = torch.Generator().manual_seed(0)
    return judge_metrics(model, Thresholds(), reference_of(features), mu, pairs, generator)


def test_the_plane_of_a_known_decoder() -> None:
    """Pixel 0 is 0.5 + 0.45 z1: the classes are stripes that change at z1 = -0.44 and 0.44."""
    model = pixels_of([[0.45, 0.0], [0.0, 0.0]], [0.5, 1.0])
    metrics, arrays = judged(model, torch.zeros(4, 2), PAIR, torch.rand(50, 2))
    assert metrics["grid_center_class"] == 1
    assert metrics["grid_center_borders"] == 2
    assert metrics["grid_classes"] == 3
    stripes = np.repeat([0, 1, 2], [11, 9, 11])  # a column is 0.1 wide
    np.testing.assert_array_equal(arrays["plane_classes"], np.tile(stripes, (31, 1)))
    np.testing.assert_array_equal(arrays["plane_confidence"], np.ones((31, 31)))
    assert arrays["plane_borders"].tolist() == [[0, 1], [1, 2], [2, 1]]


def test_paths_of_a_known_decoder() -> None:
    """Along one path the judge is 1, 0.95, ..., 0.5 sure, along the other 1, 0.9, ..., 0.4."""
    model = pixels_of([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [0.0, 0.0])
    mu = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.0]])
    metrics, arrays = judged(model, mu, torch.tensor([[0, 1], [0, 2]]), torch.rand(50, 2))
    assert metrics["path_min_confidence"] == pytest.approx((0.5 + 0.4) / 2, abs=1e-6)
    assert metrics["path_plausibility"] == pytest.approx((8 + 4) / 22)  # above 0.62
    plane = [metrics[f"grid_{name}"] for name in ("center_class", "center_borders", "classes")]
    assert plane == [None] * 3
    assert arrays == {}


def test_a_model_that_draws_the_data_is_at_the_floor() -> None:
    """Real images are drawn from the model's own distribution; none has one class only."""
    model = pixels_of([[0.1, 0.0, 0.0], [0.0, 0.05, 0.0]], [0.5, 0.8])
    real = model.sample(500, torch.Generator().manual_seed(7)).flatten(1)
    metrics, _ = judged(model, torch.zeros(4, 3), PAIR, real)
    assert 0 <= metrics["frechet_distance"] < 1e-3
    assert abs(metrics["kernel_distance"]) < 3 * metrics["kernel_distance_error"]
    for name in ("precision", "recall", "coverage"):
        assert metrics[name] > 0.9
    assert metrics["density"] == pytest.approx(1, abs=0.1)
    assert metrics["confidence"] == pytest.approx(0.8, abs=0.01)
    assert metrics["low_confidence"] < 0.01  # 0.62 is 3.6 standard deviations below 0.8
    assert metrics["class_entropy"] < math.log(3)


def test_every_judged_metric_has_a_name_and_a_definition() -> None:
    model = pixels_of([[0.1, 0.0], [0.0, 0.1]], [0.5, 0.5])
    metrics, _ = judged(model, torch.zeros(4, 2), PAIR, torch.rand(50, 2))
    defined = (*judged_metrics.JUDGED, *judged_metrics.PATHS, *judged_metrics.PLANE)
    assert list(metrics) == [metric.name for metric in defined]
    assert all(isinstance(value, float | int) for value in metrics.values())


def test_the_share_of_low_confidence_of_a_known_decoder() -> None:
    """Pixel 1, how sure the judge is, is 0.62 + 0.1 z2: half of the prior lies below 0.62."""
    model = pixels_of([[0.1, 0.0], [0.0, 0.1]], [0.5, 0.62])
    metrics, _ = judged(model, torch.zeros(4, 2), PAIR, torch.rand(50, 2))
    codes = torch.randn(640, 2, generator=torch.Generator().manual_seed(0))
    assert metrics["low_confidence"] == pytest.approx(float((codes[:, 1] < 0).float().mean()))
    assert metrics["low_confidence"] == pytest.approx(0.5, abs=0.06)


def test_a_model_that_draws_one_image_shows_it() -> None:
    model = pixels_of([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], [0.0, 1.0])
    metrics, _ = judged(model, torch.zeros(4, 3), PAIR, torch.rand(500, 2))
    assert metrics["class_entropy"] == 0
    assert metrics["confidence"] == 1
    assert metrics["low_confidence"] == 0
    assert metrics["recall"] == 0
    assert metrics["coverage"] < 0.1
    assert metrics["path_plausibility"] == 1


def test_the_same_seed_gives_the_same_numbers() -> None:
    model = pixels_of([[0.1, 0.0], [0.0, 0.1]], [0.5, 0.5])
    first, second = (
        judged(model, torch.zeros(4, 2), PAIR, torch.eye(2).repeat(9, 1))[0] for _ in range(2)
    )
    assert first == second


def test_a_split_of_one_class_has_no_path() -> None:
    pairs = path_pairs(torch.zeros(9, dtype=torch.int64), seed=0)
    assert pairs.shape == (0, 2)
    model = pixels_of([[0.1, 0.0, 0.0], [0.0, 0.1, 0.0]], [0.5, 0.5])
    metrics, _ = judged(model, torch.zeros(9, 3), pairs, torch.rand(50, 2))
    assert metrics["path_plausibility"] is None
    assert metrics["path_min_confidence"] is None


def test_pairs_are_of_different_classes_and_the_same_each_time(prepared: PreparedData) -> None:
    labels = prepared.splits["test"].labels
    pairs = path_pairs(labels, seed=3)
    assert pairs.shape == (PATHS, 2)
    assert PATHS >= 200
    assert PATH_POINTS >= 11
    assert (labels[pairs[:, 0]] != labels[pairs[:, 1]]).all()
    assert torch.equal(pairs, path_pairs(labels, seed=3))
    assert not torch.equal(pairs, path_pairs(labels, seed=4))


def test_shown_pictures_are_judged_as_they_are_shown() -> None:
    samples = np.array([[[0, 255]], [[255, 204]]], dtype=np.uint8)
    paths = np.tile(samples[:1], (3, 4, 1, 1))
    arrays = judge_pictures(Thresholds(), {"samples": samples, "interpolations": paths})
    assert arrays["samples_classes"].tolist() == [0, 2]
    np.testing.assert_allclose(arrays["samples_confidence"], [1, 0.8])
    assert arrays["interpolations_classes"].shape == (3, 4)
    assert arrays["interpolations_confidence"].shape == (3, 4)


def test_the_judge_is_part_of_the_protocol() -> None:
    protocol = Protocol("mnist", "test", "ab", "bernoulli", "dynamic", "last", "float32")
    assert protocol.judge == ""

    class Card:
        sha256 = "of the weights"

    judged_by = judged_protocol(protocol, Card())  # type: ignore[arg-type]
    assert judged_by == replace(protocol, judge="of the weights")
    with pytest.raises(ProtocolError, match=r"differ in judge \("):
        require_same_protocol([protocol, judged_by], "table")


# --- the reference ----------------------------------------------------------------------------


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


def test_a_comparison_names_each_number_rightly() -> None:
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

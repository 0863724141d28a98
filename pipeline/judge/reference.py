"""The real images that generated ones are compared with, and the scores of real images."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import Split
from pipeline.judge.classifier import Judge, Verdicts
from pipeline.judge.sample_metrics import (
    class_entropy,
    confidence,
    coverage,
    density,
    frechet_distance,
    kernel_distance,
    mean_over_blocks,
    precision,
    recall,
)
from pipeline.schemas.judge_card import PLAUSIBLE_QUANTILE, RealScores
from pipeline.settings import JudgeSettings


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The judge's output for the test images, the same for all models.

    Attributes:
        features: (N, F), all test images; for the distances.
        matched: (m, F), a random subset of m = min(N, samples); for precision, recall, density
            and coverage, which depend on the number of images.
        plausible_confidence: 5th percentile of the confidence in all test images.
        samples: number of images to draw from each model.
    """

    features: Tensor
    matched: Tensor
    plausible_confidence: float
    samples: int


def make_reference(judge: Judge, test: Split, settings: JudgeSettings) -> Reference:
    """Judge the test images, once for all models of a process.

    Args:
        judge: in eval mode.
        test: the split to compare with.
        settings: the settings that the judge was trained with.
    """
    return _reference(judge.judge(model_inputs(test, "none")), settings)


def _reference(verdicts: Verdicts, settings: JudgeSettings) -> Reference:
    # Random, because an official test split can be sorted, such as by the writers of digits.
    return Reference(
        features=verdicts.features,
        matched=verdicts.features[_some(len(verdicts.features), settings)],
        plausible_confidence=verdicts.confidence.double().quantile(PLAUSIBLE_QUANTILE).item(),
        samples=settings.samples,
    )


def _some(count: int, settings: JudgeSettings) -> Tensor:
    """Return at most ``samples`` random indices below ``count``."""
    order = np.random.default_rng(settings.seed).permutation(count)
    return torch.from_numpy(order[: settings.samples])


def compare(reference: Reference, features: Tensor) -> dict[str, float]:
    """Compare generated with real images.

    The distances are to all test images. Precision, recall, density and coverage are means over
    blocks with as many generated images as there are real ones.

    Args:
        reference: the real images.
        features: (M, F) of generated images, in random order.
    """
    kernel = kernel_distance(reference.features, features)
    return {
        "frechet_distance": frechet_distance(reference.features, features),
        "kernel_distance": kernel.value,
        "kernel_distance_error": kernel.error,
        "precision": mean_over_blocks(precision, reference.matched, features),
        "recall": mean_over_blocks(recall, reference.matched, features),
        "density": mean_over_blocks(density, reference.matched, features),
        "coverage": mean_over_blocks(coverage, reference.matched, features),
    }


def real_scores(judge: Judge, train: Split, test: Split, settings: JudgeSettings) -> RealScores:
    """Score training images as if they were generated: the best that a model can reach.

    Args:
        judge: in eval mode.
        train: source of as many images as are drawn from a model, or of all if it has fewer.
        test: the split to compare with.
        settings: the settings that the judge was trained with.
    """
    verdicts = judge.judge(model_inputs(test, "none"))
    reference = _reference(verdicts, settings)
    stand_ins = judge.judge(model_inputs(train, "none")[_some(len(train), settings)]).features
    return RealScores.model_validate(
        {
            "images": len(stand_ins),
            "test_images": len(test),
            **compare(reference, stand_ins),
            "confidence": confidence(verdicts.probabilities),
            "class_entropy": class_entropy(verdicts.probabilities),
            "plausible_confidence": reference.plausible_confidence,
        }
    )

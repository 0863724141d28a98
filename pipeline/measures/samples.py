"""Samples from the prior, compared with real test images by the judge."""

import torch

from pipeline.evaluation.evaluated_model import Measurement
from pipeline.judge.context import JudgedModel
from pipeline.judge.reference import compare
from pipeline.judge.sample_metrics import class_entropy, confidence, low_confidence
from pipeline.numerics.hardware import seeded_generator


def measure(subject: JudgedModel) -> Measurement:
    """Return distances and overlap in the judge's features, and its confidence in the samples."""
    judge, reference = subject.context.judge, subject.context.reference
    generator = seeded_generator(subject.settings.seed, "samples")
    codes = torch.randn(reference.samples, subject.model.latent_dim, generator=generator)
    drawn = judge.judge(subject.model.mean_images(codes))
    return {
        **compare(reference, drawn.features),
        "confidence": confidence(drawn.probabilities),
        "low_confidence": low_confidence(drawn.probabilities, reference.plausible_confidence),
        "class_entropy": class_entropy(drawn.probabilities),
    }, {}

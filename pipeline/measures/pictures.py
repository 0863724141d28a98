"""Pictures of a model, with the judge's opinion: reconstructions, samples and interpolations.

The same images and pairs are shown for every model. Images are uint8, 0 for black.
"""

import torch

from pipeline.evaluation.evaluated_model import EvaluatedModel, Measurement
from pipeline.evaluation.pictures import (
    as_bytes,
    decode,
    images_to_show,
    pairs_to_show,
    straight_paths,
)
from pipeline.judge.classifier import Judge
from pipeline.judge.context import JudgedModel
from pipeline.numerics.hardware import seeded_generator
from pipeline.schemas.arrays import Arrays

JUDGED = ("samples", "interpolations")


def measure(subject: JudgedModel) -> Measurement:
    """Return the pictures, and the judge's class and confidence for each generated one."""
    pictures = draw_pictures(subject)
    return {}, pictures | judge_pictures(subject.context.judge, pictures)


def draw_pictures(subject: EvaluatedModel) -> Arrays:
    """Return test images with their reconstructions, samples, and paths between codes."""
    model, mu, settings = subject.model, subject.bound.mu, subject.settings
    labels = subject.test.labels.numpy()
    shown = images_to_show(labels, settings.reconstructions, settings.seed)
    pairs = pairs_to_show(labels, settings.interpolations, settings.seed)
    codes = straight_paths(mu[pairs[:, 0]], mu[pairs[:, 1]], settings.steps)
    samples = model.sample(settings.samples, seeded_generator(settings.seed, "pictures"))
    return {
        "originals": subject.test.images[shown].numpy(),
        "inputs": as_bytes(subject.images[shown]),
        "labels_shown": labels[shown],
        "reconstructions": decode(model, mu[shown]),
        "samples": as_bytes(samples),
        "interpolations": decode(model, codes),
        "interpolation_codes": codes.numpy(),
        "interpolation_originals": subject.test.images[pairs].numpy(),
        "interpolation_labels": labels[pairs],
    }


def judge_pictures(judge: Judge, pictures: Arrays) -> Arrays:
    """Return class and confidence for every sample and every point of an interpolation."""
    arrays: Arrays = {}
    for name in JUDGED:
        images = pictures[name]
        x = torch.from_numpy(images).reshape(-1, 1, *images.shape[-2:]).float() / 255
        verdicts = judge.judge(x)
        arrays[f"{name}_classes"] = verdicts.classes.numpy().reshape(images.shape[:-2])
        arrays[f"{name}_confidence"] = verdicts.confidence.numpy().reshape(images.shape[:-2])
    return arrays

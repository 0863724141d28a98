"""The judge's class and confidence for each picture that is shown."""

import torch

from pipeline.evaluation.evaluated_model import Measurement
from pipeline.evaluation.measures.pictures import draw_pictures
from pipeline.judge.context import JudgedModel
from pipeline.schemas.arrays import Arrays

JUDGED = ("samples", "interpolations")


def measure(subject: JudgedModel) -> Measurement:
    """Return class and confidence for every sample and every point of an interpolation."""
    pictures = draw_pictures(subject)
    arrays: Arrays = {}
    for name in JUDGED:
        images = pictures[name]
        x = torch.from_numpy(images).reshape(-1, 1, *images.shape[-2:]).float() / 255
        verdicts = subject.context.judge.judge(x)
        arrays[f"{name}_classes"] = verdicts.classes.numpy().reshape(images.shape[:-2])
        arrays[f"{name}_confidence"] = verdicts.confidence.numpy().reshape(images.shape[:-2])
    return {}, arrays

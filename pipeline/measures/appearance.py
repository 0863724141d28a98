"""Sharpness and contrast of samples and reconstructions, compared with real images."""

from pipeline.evaluation.appearance import contrast, sharpness
from pipeline.evaluation.evaluated_model import EvaluatedModel, Measurement


def measure(subject: EvaluatedModel) -> Measurement:
    """Return the sharpness and contrast of mean images, and the contrast of the data."""
    originals = subject.originals
    return {
        "sharpness": sharpness(subject.samples, originals),
        "reconstruction_sharpness": sharpness(subject.reconstructions, originals),
        "contrast": contrast(subject.samples),
        "contrast_data": contrast(originals),
    }, {}

"""A judge and decoders whose opinions and pictures are known."""

import torch
from torch import Tensor, nn

from pipeline.evaluation.evaluated_model import EvaluatedModel
from pipeline.judge.classifier import Judge, Verdicts
from pipeline.judge.context import JudgeContext, JudgedModel
from pipeline.judge.reference import Reference
from pipeline.models import VAE
from pipeline.schemas.judge_card import JudgeCard


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
    """Real images with these features, of which 5 % have a confidence below 0.62."""
    return Reference(features, features[:samples], plausible_confidence=0.62, samples=samples)


def judged(subject: EvaluatedModel, features: Tensor | None = None) -> JudgedModel:
    """The subject with the judge above.

    Args:
        subject: a model that decodes images of 1 x 2 pixels.
        features: (N, 2) of the real images; noise by default.
    """
    if features is None:
        features = torch.rand(50, 2, generator=torch.Generator().manual_seed(0))
    context = JudgeContext(Thresholds(), JudgeCard.model_construct(), reference_of(features))
    return JudgedModel.of(subject, context)

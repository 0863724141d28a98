"""The judge: a small convolutional classifier for evaluating generated images.

Shapes: B images of H rows and W columns, F features, C classes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from pipeline.schemas.judge_card import JUDGE_WEIGHTS, JudgeCard, usable_judge_card
from pipeline.settings import JudgeSettings

BATCH = 250  # images judged at once: larger batches exceed the cache and are slower


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """The judge's output for images.

    Attributes:
        features: (B, F), the penultimate layer.
        probabilities: (B, C), calibrated.
    """

    features: Tensor
    probabilities: Tensor

    @property
    def confidence(self) -> Tensor:
        """(B,) the largest class probability."""
        return self.probabilities.amax(1)

    @property
    def classes(self) -> Tensor:
        """(B,) the most probable class."""
        return self.probabilities.argmax(1)


class Judge(nn.Module):
    """A classifier of grey images: convolutions, a feature layer and an affine map to classes.

    Attributes:
        body: (B, 1, H, W) in [0, 1] -> features (B, F).
        head: features -> logits (B, C).
        temperature: scalar by which logits are divided before they become probabilities.
    """

    temperature: Tensor

    def __init__(
        self, height: int, width: int, classes: int, channels: Sequence[int], feature_dim: int
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number, (narrow, wide) in enumerate(pairwise((1, *channels))):
            kernel = 3 if number else 5
            layers += [
                nn.Conv2d(narrow, wide, kernel, padding=kernel // 2, bias=False),
                nn.BatchNorm2d(wide),
                nn.ReLU(),
                nn.MaxPool2d(2, ceil_mode=True),  # rounds up, so that no image is too small
            ]
            height, width = math.ceil(height / 2), math.ceil(width / 2)
        layers += [
            nn.Flatten(),
            nn.Linear(channels[-1] * height * width, feature_dim, bias=False),
            # Gives each feature unit variance, so that no single one dominates the distances.
            nn.BatchNorm1d(feature_dim),
            nn.ReLU(),
        ]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(feature_dim, classes)
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, 1, H, W) in [0, 1] to logits (B, C), not yet divided by the temperature."""
        logits: Tensor = self.head(self.body(x))
        return logits

    @torch.no_grad()
    def judge(self, images: Tensor) -> Verdicts:
        """Return features and calibrated class probabilities; call this in eval mode.

        Args:
            images: (B, 1, H, W) in [0, 1].
        """
        features = torch.cat([self.body(part) for part in images.split(BATCH)])
        return Verdicts(features, (self.head(features) / self.temperature).softmax(1))

    @property
    def parameter_count(self) -> int:
        """Number of trainable parameters."""
        return sum(parameter.numel() for parameter in self.parameters())


def build_judge(settings: JudgeSettings, image: tuple[int, int], classes: int) -> Judge:
    """Build the judge that the settings describe, with meaningless weights.

    Args:
        settings: for the widths of its layers.
        image: (H, W) of the images.
        classes: number of classes.
    """
    with torch.random.fork_rng(devices=[]):  # layers draw weights from the global generator
        judge = Judge(*image, classes, settings.channels, settings.feature_dim)
    return judge.to(memory_format=torch.channels_last)


def initialise_judge(judge: Judge, generator: torch.Generator) -> None:
    """Initialise weights as in He et al. 2015 (arXiv 1502.01852) and biases to 0.

    Args:
        judge: on the CPU.
        generator: the only source of randomness.
    """
    with torch.no_grad():
        for layer in judge.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                fan_in = layer.weight[0].numel()
                layer.weight.normal_(0, math.sqrt(2 / fan_in), generator=generator)
                if layer.bias is not None:
                    layer.bias.zero_()


# --- folder -----------------------------------------------------------------------------------


def save_judge_weights(folder: Path, judge: Judge) -> None:
    """Write ``model.safetensors`` into an existing folder."""
    weights = {name: value.contiguous() for name, value in judge.state_dict().items()}
    (folder / JUDGE_WEIGHTS).write_bytes(save(weights))


def load_judge(folder: Path | str, data_hash: str) -> tuple[Judge, JudgeCard]:
    """Load the judge of a folder, in eval mode, and its card.

    Args:
        folder: contains ``model.safetensors`` and ``judge.json``.
        data_hash: hash of the prepared file whose images it will judge.

    Raises:
        JudgeError: if a file is missing or damaged, or if the judge was trained on other data.
    """
    folder = Path(folder)
    card = usable_judge_card(folder, data_hash)
    size = (card.image.height, card.image.width)
    judge = build_judge(card.settings, size, len(card.classes))
    try:
        judge.load_state_dict(load_file(folder / JUDGE_WEIGHTS))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise JudgeCard.unusable(folder / JUDGE_WEIGHTS, f"cannot be loaded: {error}") from None
    return judge.eval(), card

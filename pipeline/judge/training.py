"""Training the judge on augmented images, and calibrating it with a temperature."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from torch import Tensor

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import Split
from pipeline.errors import UserError
from pipeline.judge.classifier import BATCH, Judge
from pipeline.numerics.hardware import seeded_generator
from pipeline.numerics.optimizers import AdamW
from pipeline.settings import JudgeSettings

ADAM_BETAS = (0.9, 0.99)
WEIGHT_DECAY = 0.05
CALIBRATION_BINS = 15  # Guo et al. 2017 (arXiv 1706.04599), section 5
# If all validation images are classified correctly, the best temperature would be zero.
TEMPERATURES = (0.25, 4.0)


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """The result of one epoch of the judge's training.

    Attributes:
        epoch: counted from 1; the last one can be incomplete.
        train_loss: mean cross-entropy of the epoch's augmented images, in nats.
        valid_accuracy: share of validation images that are classified correctly.
        valid_loss: their mean cross-entropy, in nats, before calibration.
        seconds: time since the start of training, validation included.
        learning_rate: the rate at the epoch's last step.
    """

    epoch: int
    train_loss: float
    valid_accuracy: float
    valid_loss: float
    seconds: float
    learning_rate: float


def train_judge(
    judge: Judge, settings: JudgeSettings, train: Split, valid: Split
) -> Iterator[JudgeReport]:
    """Train the judge in place and yield one report per epoch, each time in eval mode.

    It is trained on grey images even if the models see binarised ones, because the mean images
    that it will judge are grey.

    Raises:
        UserError: as soon as an epoch's loss is not finite.
    """
    generator = seeded_generator(settings.seed, "training")
    images, valid_images = model_inputs(train, "none"), model_inputs(valid, "none")
    optimizer = AdamW(
        judge.parameters(),
        lr=settings.learning_rate,
        betas=ADAM_BETAS,
        weight_decay=WEIGHT_DECAY,
        fused=True,
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=settings.steps + 1, cycle_momentum=False
    )
    start = time.perf_counter()
    step, epoch = 0, 0
    while step < settings.steps:
        epoch += 1
        judge.train()
        losses = []
        for batch in _batches(len(images), settings.batch_size, generator):
            x = augment(images[batch], settings, generator)
            loss = F.cross_entropy(judge(x), train.labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            learning_rate = float(scheduler.get_last_lr()[0])
            scheduler.step()
            losses.append(loss.detach())
            step += 1
            if step == settings.steps:
                break
        judge.eval()
        logits = predict(judge, valid_images)
        report = JudgeReport(
            epoch=epoch,
            train_loss=torch.stack(losses).mean().item(),
            valid_accuracy=accuracy(logits, valid.labels),
            valid_loss=F.cross_entropy(logits, valid.labels).item(),
            seconds=time.perf_counter() - start,
            learning_rate=learning_rate,
        )
        if not math.isfinite(report.train_loss + report.valid_loss):
            raise UserError(
                f"training of the judge diverged in epoch {epoch}: training loss "
                f"{report.train_loss:g}, validation loss {report.valid_loss:g}; lower "
                f"judge.learning_rate (now {settings.learning_rate:g})"
            )
        yield report


def _batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield an epoch's shuffled indices in full batches: a short one would disturb batch norm."""
    order = torch.randperm(count, generator=generator)
    size = min(size, count)
    yield from order[: count // size * size].split(size)


def augment(images: Tensor, settings: JudgeSettings, generator: torch.Generator) -> Tensor:
    """Randomly rotate, scale and shift each image on its own; new pixels are black.

    Args:
        images: (B, 1, H, W).
        settings: the largest rotation, scaling and shift. Amounts are uniform in both directions,
            the logarithm of the scale in case of scaling.
        generator: draws the amounts.
    """
    count, _, height, width = images.shape
    amounts = 2 * torch.rand(4, count, generator=generator) - 1
    angle = math.radians(settings.rotation) * amounts[0]
    zoom = torch.exp(math.log1p(settings.scaling) * amounts[1])
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    # Grid coordinates run from -1 to 1 along each side, independent of its number of pixels.
    aspect = height / width
    right, down = (
        2 * settings.shift / side * part
        for side, part in zip((width, height), amounts[2:], strict=True)
    )
    maps = torch.stack(
        [
            torch.stack([cos, -sin * aspect, right], dim=1),
            torch.stack([sin / aspect, cos, down], dim=1),
        ],
        dim=1,
    )  # (B, 2, 3)
    grid = F.affine_grid(maps, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


# --- calibration ------------------------------------------------------------------------------


@torch.no_grad()
def predict(judge: Judge, images: Tensor) -> Tensor:
    """Return logits (N, C), not divided by the temperature; call this in eval mode."""
    return torch.cat([judge(part) for part in images.split(BATCH)])


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Return the share of images whose class has the largest logit."""
    return (logits.argmax(1) == labels).double().mean().item()


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature of maximum likelihood, Guo et al. 2017, section 4.2.

    Args:
        logits: (N, C) of images that were not used to train the weights.
        labels: (N,).
    """
    logits = logits.double()

    def cross_entropy(log_temperature: float) -> float:
        return F.cross_entropy(logits / math.exp(log_temperature), labels).item()

    low, high = map(math.log, TEMPERATURES)
    found = minimize_scalar(cross_entropy, bounds=(low, high), method="bounded")
    return math.exp(float(found.x))


def calibration_error(probabilities: Tensor, labels: Tensor, bins: int = CALIBRATION_BINS) -> float:
    """Return the expected calibration error: mean |accuracy - confidence| over bins.

    The bins of confidence have equal widths and are weighted by their number of images. Guo et al.
    2017, eq. 3.

    Args:
        probabilities: (N, C).
        labels: (N,).
        bins: number of bins between 0 and 1.
    """
    confidence, predicted = probabilities.double().max(1)
    gap = (predicted == labels).double() - confidence
    # Bins include their upper edge, so that a confidence of 1 falls into the last one.
    index = (confidence * bins).ceil().long().clamp(1, bins) - 1
    sums = torch.zeros(bins, dtype=torch.float64).index_add_(0, index, gap)
    return sums.abs().sum().item() / len(labels)

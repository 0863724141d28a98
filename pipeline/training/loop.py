"""The training loop as a generator of epoch reports, and early stopping based on them."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import Split
from pipeline.errors import UserError
from pipeline.models import VAE
from pipeline.models.elbo import bound, training_loss
from pipeline.numerics.hardware import Hardware, seeded_generator
from pipeline.numerics.optimizers import Adam
from pipeline.settings import RunSettings, Schedule
from pipeline.training.rates import parameter_groups

ADAM_BETAS = (0.9, 0.99)  # the second moment forgets within an epoch of 4,000 images
VALID_BATCH = 1000
# Share of the steps in which one-cycle rises to its peak. The final ELBO is as good as with torch's
# 0.3, but it can be predicted a third earlier, which helps a search to prune.
RISE = 0.1


class DivergenceError(UserError):
    """The loss became infinite or NaN."""


class Terms(NamedTuple):
    """Averages over the images of a split, in nats per image."""

    elbo: float
    reconstruction: float
    kl: float
    loss: float


@dataclass(frozen=True, slots=True)
class EpochReport:
    """The result of one epoch of training.

    Attributes:
        epoch: counted from 1.
        train: averages over the epoch's steps, during which the weights change; during a warm-up
            the loss uses the beta of each step.
        valid: averages over the validation split at the end of the epoch, with the same noise in
            every epoch; the loss uses the full beta.
        seconds: time since the start of training, validation included.
        learning_rate: the run's own, for weights with 400 inputs, at the epoch's last step.
    """

    epoch: int
    train: Terms
    valid: Terms
    seconds: float
    learning_rate: float


def epoch_metrics(report: EpochReport) -> dict[str, float]:
    """Return an epoch's metrics by their names in trackers, which group them by prefix."""
    metrics = {
        f"{split}/{name}": value
        for split, terms in (("train", report.train), ("valid", report.valid))
        for name, value in terms._asdict().items()
    }
    return metrics | {"train/learning_rate": report.learning_rate}


def train_epochs(
    model: VAE, settings: RunSettings, train: Split, valid: Split, hardware: Hardware
) -> Iterator[EpochReport]:
    """Train the model in place and yield one report per epoch.

    The caller decides when to stop: at each report, the weights are those of that epoch. There is
    no global state, so several of these generators can take turns in one process.

    Raises:
        DivergenceError: as soon as an epoch's loss is not finite.
    """
    device = hardware.device
    # Convolutions are faster in the channels-last layout, on CPUs and GPUs.
    model.to(device).to(memory_format=torch.channels_last)
    images = TrainingImages(train, settings, device)
    valid_images = model_inputs(valid, settings.binarisation).to(device)
    valid_noise = torch.randn(
        len(valid_images),
        settings.latent_dim,
        generator=seeded_generator(settings.seed, "validation"),
    ).to(device)

    steps = math.ceil(len(images) / settings.batch_size)
    groups = parameter_groups(model, settings.learning_rate)
    optimizer = Adam(groups, betas=ADAM_BETAS, fused=True)
    scheduler = build_scheduler(optimizer, settings.schedule, settings.epochs * steps)
    start = time.perf_counter()
    for epoch in range(1, settings.epochs + 1):
        sums = torch.zeros(3, device=device)  # reconstruction, kl, loss
        model.train()
        for step, (x, noise) in enumerate(images.batches()):
            beta = warmed_up_beta(settings, epoch - 1 + step / steps)
            with hardware.autocast():
                terms = bound(model, x, noise)
            loss = training_loss(terms, beta, settings.free_bits)
            optimizer.zero_grad()
            loss.mean().backward()
            if settings.clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
            optimizer.step()
            learning_rate = float(scheduler.get_last_lr()[0])  # the first group has the run's rate
            scheduler.step()
            # Summed on the device: reading values back in every step would stall a GPU.
            sums += torch.stack([terms.reconstruction.sum(), terms.kl.sum(), loss.sum()]).detach()
        reconstruction, kl, train_loss = (sums / len(images)).tolist()
        report = EpochReport(
            epoch=epoch,
            train=Terms(-(reconstruction + kl), reconstruction, kl, train_loss),
            valid=validate(model, settings, valid_images, valid_noise),
            seconds=time.perf_counter() - start,
            learning_rate=learning_rate,
        )
        if not all(map(math.isfinite, (*report.train, *report.valid))):
            raise DivergenceError(_describe_divergence(settings, report))
        yield report


class TrainingImages:
    """The training split on the device, as bytes; yields each epoch's batches."""

    def __init__(self, split: Split, settings: RunSettings, device: torch.device) -> None:
        source = split.binarised if settings.binarisation == "static" else split.images
        self._images = source.unsqueeze(1).to(device)  # (N, 1, H, W) uint8
        self._binarisation = settings.binarisation
        self._batch_size = settings.batch_size
        self._latent_dim = settings.latent_dim
        self._generator = seeded_generator(settings.seed, "training", device)

    def __len__(self) -> int:
        return len(self._images)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield one epoch, shuffled: batches of x (B, 1, H, W) in [0, 1] and noise (B, d)."""
        count, device = len(self), self._images.device
        order = torch.randperm(count, generator=self._generator, device=device)
        images = self._images.index_select(0, order)
        if self._binarisation == "dynamic":
            # For r uniform on 0..254, P(r < intensity) is exactly intensity / 255. Drawing bytes
            # once per epoch takes a quarter of the time of Bernoulli draws of floats per batch.
            threshold = torch.randint(
                255, images.shape, generator=self._generator, device=device, dtype=torch.uint8
            )
            images = (images > threshold).view(
                torch.uint8
            )  # converting bools to floats is ten times slower
        noise = torch.randn(count, self._latent_dim, generator=self._generator, device=device)
        for start in range(0, count, self._batch_size):
            batch = slice(start, start + self._batch_size)
            x = images[batch]
            yield x / 255 if self._binarisation == "none" else x.float(), noise[batch]


@torch.no_grad()
def validate(model: VAE, settings: RunSettings, images: Tensor, noise: Tensor) -> Terms:
    """Return the terms averaged over all images, in float32, with the given noise (N, d)."""
    model.eval()
    sums = torch.zeros(3, device=images.device)
    for x, eps in zip(images.split(VALID_BATCH), noise.split(VALID_BATCH), strict=True):
        terms = bound(model, x, eps)
        loss = training_loss(terms, settings.beta, settings.free_bits)
        sums += torch.stack([terms.reconstruction.sum(), terms.kl.sum(), loss.sum()])
    reconstruction, kl, loss_mean = (sums / len(images)).tolist()
    return Terms(-(reconstruction + kl), reconstruction, kl, loss_mean)


def warmed_up_beta(settings: RunSettings, epochs_done: float) -> float:
    """Return beta, which rises linearly from 0 during the first ``beta_warmup`` epochs."""
    if epochs_done >= settings.beta_warmup:
        return settings.beta
    return settings.beta * epochs_done / settings.beta_warmup


def build_scheduler(
    optimizer: torch.optim.Optimizer, schedule: Schedule, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Return a schedule of ``steps`` steps whose maxima are the optimiser's learning rates."""
    if schedule == "one-cycle" and steps > 1:
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            [group["lr"] for group in optimizer.param_groups],
            total_steps=steps + 1,
            cycle_momentum=False,
            pct_start=max(RISE, 2 / (steps + 1)),  # the peak is not before the second step
            anneal_strategy="linear",  # as good as cosine for long runs, better for short ones
        )
    if schedule == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)


@dataclass(frozen=True, slots=True)
class Fit:
    """The result of training.

    Attributes:
        history: one report per epoch, in order.
        chosen: the epoch whose weights the model now has.
        stopped_early: whether ``patience`` stopped the training.
    """

    history: tuple[EpochReport, ...]
    chosen: EpochReport
    stopped_early: bool


def fit(
    model: VAE,
    reports: Iterable[EpochReport],
    settings: RunSettings,
    observe: Callable[[EpochReport], None] = lambda report: None,
) -> Fit:
    """Run training to its end, or until ``patience`` stops it, and restore the chosen weights.

    Args:
        model: the model that ``reports`` trains.
        reports: the generator of ``train_epochs``.
        settings: for ``patience`` and ``checkpoint``.
        observe: called with each report, for progress and tracking.
    """
    history: list[EpochReport] = []
    best: EpochReport | None = None
    best_weights: dict[str, Tensor] = {}
    stopped_early = False
    for report in reports:
        history.append(report)
        observe(report)
        if best is None or report.valid.elbo > best.valid.elbo:
            best = report
            if settings.checkpoint == "best":
                _copy(model.state_dict(), best_weights)
        elif settings.patience is not None and report.epoch - best.epoch >= settings.patience:
            stopped_early = report.epoch < settings.epochs
            break
    assert best is not None, "training yields at least one epoch"
    if settings.checkpoint == "best":
        model.load_state_dict(best_weights)
        return Fit(tuple(history), best, stopped_early)
    return Fit(tuple(history), history[-1], stopped_early)


def _copy(weights: Mapping[str, Tensor], into: dict[str, Tensor]) -> None:
    """Copy weights into tensors that are made once: allocating them anew takes most of the time."""
    for name, tensor in weights.items():
        into.setdefault(name, torch.empty_like(tensor)).copy_(tensor)


def _describe_divergence(settings: RunSettings, report: EpochReport) -> str:
    clip = "set" if settings.clip_norm is None else "lower"
    return (
        f"training of {settings.architecture}-{settings.latent_dim} (beta {settings.beta:g}, seed "
        f"{settings.seed}) diverged in epoch {report.epoch}: training loss "
        f"{report.train.loss:g}, validation loss {report.valid.loss:g}; lower "
        f"train.learning_rate (now {settings.learning_rate:g}) or {clip} train.clip_norm (now "
        f"{settings.clip_norm})"
    )

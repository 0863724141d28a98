"""The IWAE paper's one-layer VAE on all of MNIST, beside the paper's figure: `make literature`.

Burda, Grosse & Salakhutdinov 2016 (arXiv 1509.00519), table 1: test NLL 86.76 nats for k = 1, one
stochastic layer of 50 latents, two deterministic tanh layers of 200 units each way, dynamic
binarisation, K = 5000, trained for 3,280 epochs of batches of 20. Here the same network takes a
shorter, modern schedule. Training is `pipeline.runs.train_run`, as in the grid.

The trained model is kept: a second call goes on where a killed one was.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import torch
from torch import Tensor

from pipeline.cards import RunCard, load_card
from pipeline.data import load_prepared, observed, prepare, save_prepared
from pipeline.evaluation import importance_weighted_nll
from pipeline.hardware import resolve_hardware, seeded_generator
from pipeline.models import VAE, load_model
from pipeline.runs import TrainingTask, fingerprint, finished_fingerprint, git_commit, train_run
from pipeline.settings import DataSettings, RunSettings
from pipeline.sources import load_source
from pipeline.training import EpochReport

PUBLISHED = 86.76  # nats per image
SHOWN_K = (50, 500, 5000)
# Draws and images that are decoded at once: 1,000 images of logits are 3 MB, which stay in a cache.
GROUP, BATCH = 100, 10
TELL_EVERY = 10  # epochs

DATA = DataSettings(
    name="mnist", root=None, download=False, valid_fraction=1 / 60, test_fraction=0.1, seed=0
)
RUN = RunSettings(
    architecture="linear",
    latent_dim=50,
    beta=1.0,
    seed=0,
    hidden=(200, 200),
    channels=(32,),  # of no meaning here
    conv_hidden=(),
    activation="tanh",
    likelihood="bernoulli",
    scale="learned",
    binarisation="dynamic",
    epochs=500,
    batch_size=128,
    learning_rate=0.003,
    schedule="one-cycle",
    beta_warmup=0,
    free_bits=0.0,
    clip_norm=None,
    patience=None,
    checkpoint="last",
    precision="float32",
    device="cpu",
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A test NLL with the error that its random draws leave.

    Attributes:
        nll: nats per image.
        standard_error: Monte-Carlo error of ``nll``, of the draws of z alone.
        test_error: standard error over the test images, another source.
    """

    nll: float
    standard_error: float
    test_error: float


def prepared_file(out: Path, root: str | None, *, download: bool) -> Path:
    """MNIST split for this run, made once: 59,000 images to train, 1,000 to validate."""
    path = out / "prepared.safetensors"
    if not path.exists():
        settings = DATA.model_copy(update={"root": root, "download": download})
        save_prepared(path, prepare(load_source(settings), settings))
    return path


def trained_model(out: Path, data: Path, run: RunSettings, threads: int) -> tuple[VAE, RunCard]:
    """The model of the run with its card; trained now unless it lies there already."""
    folder = out / "model"
    machine = resolve_hardware(run.device, run.precision)
    wanted = fingerprint(run, load_prepared(data, ("valid",)).hash, machine, threads)
    if finished_fingerprint(folder) != wanted:
        task = TrainingTask("literature", run, data, folder, wanted, git_commit(), threads)
        train_run(task, lambda report: tell_epoch(report, run.epochs))
    return load_model(folder), load_card(folder)


def tell_epoch(report: EpochReport, epochs: int) -> None:
    """One line every few epochs."""
    if report.epoch % TELL_EVERY == 0 or report.epoch == epochs:
        click.echo(
            f"epoch {report.epoch:4} of {epochs}: validation ELBO {report.valid.elbo:8.2f}, "
            f"{report.seconds:5.0f} s"
        )


def grouped_bounds(
    model: VAE, images: Tensor, groups: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """``groups`` independent IWAE bounds of GROUP draws each: (N,) nats per image."""
    for _ in range(groups):
        yield importance_weighted_nll(model, images, GROUP, generator, BATCH)


def combine(bounds: Tensor) -> Estimate:
    """One bound from the draws of all groups, its error by leaving one group out at a time.

    The jackknife suits a mean inside a logarithm, whose error no plain standard error gives.

    Args:
        bounds: (G, N) nats, each -log of the mean importance weight of a group; G at least 2.
    """
    count = len(bounds)
    log_weights = -bounds.double()
    total = log_weights.logsumexp(0)  # (N,)
    per_image = math.log(count) - total
    # log(sum - one) = total + log(1 - e^(one - total)), which no group's share of 1 makes infinite:
    # where it would, the others' own sum is taken.
    share = (log_weights - total).exp().clamp(max=1 - 1e-12)
    left_out = (math.log(count - 1) - total - torch.log1p(-share)).mean(1)  # (G,)
    variance = (count - 1) * left_out.var(correction=0)
    return Estimate(
        per_image.mean().item(),
        variance.sqrt().item(),
        (per_image.std() / math.sqrt(len(per_image))).item(),
    )


@click.command()
@click.option("--root", help="Folder of MNIST's four IDX files.  [default: data/raw/mnist]")
@click.option("--download", is_flag=True, help="Fetch the files that are missing there.")
@click.option("--out", default="results/literature", show_default=True, type=Path)
@click.option("--epochs", default=RUN.epochs, show_default=True, type=click.IntRange(min=1))
@click.option("--threads", default=2, show_default=True, type=click.IntRange(min=1))
def main(root: str | None, download: bool, out: Path, epochs: int, threads: int) -> None:
    """Train the IWAE paper's one-layer VAE and print its test NLL beside the paper's."""
    run = RUN.model_copy(update={"epochs": epochs})
    data = prepared_file(out, root, download=download)
    model, card = trained_model(out, data, run, threads)

    prepared = load_prepared(data, ("train", "test"))
    images = observed(prepared.splits["test"], run.binarisation)
    torch.set_num_threads(threads)
    start = time.perf_counter()
    found = []
    generator = seeded_generator(run.seed, "evaluation")
    groups = max(SHOWN_K) // GROUP
    for bound in grouped_bounds(model, images, groups, generator):
        found.append(bound)
        if len(found) % TELL_EVERY == 0:
            seconds = time.perf_counter() - start
            click.echo(f"K = {len(found) * GROUP:5} of {max(SHOWN_K)}: {seconds:5.0f} s")
    estimate = combine(torch.stack(found))
    seconds = time.perf_counter() - start
    print(estimate, card.train_seconds, seconds)


if __name__ == "__main__":
    main()

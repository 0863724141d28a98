"""The IWAE paper's one-layer VAE on all of MNIST, compared with the paper: `make literature`.

Burda, Grosse & Salakhutdinov 2016 (arXiv 1509.00519), table 1: test NLL 86.76 nats for k = 1, one
stochastic layer of 50 latents, two deterministic tanh layers of 200 units each way, dynamic
binarisation, K = 5000, trained for 3,280 epochs with batches of 20. Here the same network is
trained with a shorter, modern schedule by `pipeline.jobs.train.train_run`, as in the grid.

The trained model is kept, and a second call measures it again. A killed training starts over.
"""

import math
import time
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.special import logsumexp
from torch import Tensor

from benchmarks.context import MNIST
from benchmarks.montecarlo import (
    Array,
    MonteCarloEstimate,
    from_groups,
    from_repeats,
    importance_weighted_bound,
)
from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import load_prepared, prepare, save_prepared
from pipeline.data.sources.official import load_source
from pipeline.evaluation.iwae import importance_weighted_nll
from pipeline.jobs.train import train_run, training_task
from pipeline.models import VAE, load_model
from pipeline.numerics.hardware import seeded_generator
from pipeline.runtime.code_version import git_commit
from pipeline.schemas.run_card import RunCard, finished_fingerprint, load_card
from pipeline.settings import RunSettings
from pipeline.training.loop import EpochReport

PUBLISHED = 86.76  # nats per image
SHOWN_K = (50, 500, 5000)
# Draws per group, and codes decoded at a time: their logits take 3 MB and stay in the cache.
GROUP, BATCH = 50, 1000
TELL_EVERY = 10  # epochs, or groups of draws
CONFIDENCE = 0.95

RUN = RunSettings(
    architecture="linear",
    latent_dim=50,
    beta=1.0,
    seed=0,
    hidden=(200, 200),
    channels=(32,),  # not used here
    conv_hidden=(),
    activation="tanh",
    likelihood="bernoulli",
    scale="learned",
    binarisation="dynamic",
    epochs=1100,
    batch_size=512,
    learning_rate=0.006,
    schedule="one-cycle",
    beta_warmup=0,
    free_bits=0.0,
    clip_norm=None,
    patience=None,
    checkpoint="last",
    precision="auto",
    device="cpu",
)


def prepared_file(out: Path, root: str | None, *, download: bool) -> Path:
    """Return the prepared file, made on first use: 59,000 training and 1,000 validation images."""
    path = out / "prepared.safetensors"
    if not path.exists():
        settings = MNIST.model_copy(update={"root": root, "download": download})
        save_prepared(path, prepare(load_source(settings), settings))
    return path


def trained_model(out: Path, data: Path, run: RunSettings, threads: int) -> tuple[VAE, RunCard]:
    """Return the model of the run and its card; train it unless it exists."""
    folder = out / "model"
    task = training_task("literature", run, folder, load_prepared(data, ("valid",)).hash, threads)
    if finished_fingerprint(folder) != task.fingerprint:
        train_run(
            replace(task, commit=git_commit()),
            lambda report: tell_epoch(report, run.epochs),
            data,
        )
    return load_model(folder), load_card(folder)


def tell_epoch(report: EpochReport, epochs: int) -> None:
    """Print a line every few epochs."""
    if report.epoch % TELL_EVERY == 0 or report.epoch == epochs:
        click.echo(
            f"epoch {report.epoch:4} of {epochs}: validation ELBO {report.valid.elbo:8.2f}, "
            f"{report.seconds:5.0f} s"
        )


def grouped_log_weights(
    model: VAE, images: Tensor, groups: int, generator: torch.Generator
) -> Tensor:
    """Return the log mean importance weight of each group of GROUP draws, (G, N)."""
    found: list[Tensor] = []
    start = time.perf_counter()
    for group in range(1, groups + 1):
        found.append(-importance_weighted_nll(model, images, GROUP, generator, BATCH))
        if group % TELL_EVERY == 0:
            seconds = time.perf_counter() - start
            click.echo(f"K = {group * GROUP:5} of {groups * GROUP}: {seconds:5.0f} s")
    return torch.stack(found).double()


def estimate(log_weights: Array, samples: int) -> MonteCarloEstimate:
    """Estimate the bound at K = ``samples``, averaged over all disjoint sets of that many draws."""
    size = samples // GROUP
    parts = [log_weights[start : start + size] for start in range(0, len(log_weights), size)]
    if len(parts) > 1:
        return from_repeats([importance_weighted_bound(part) for part in parts], CONFIDENCE)
    return from_groups(log_weights, importance_weighted_bound, CONFIDENCE)


@click.command(epilog="Example: python -m benchmarks.literature --download")
@click.option("--root", help="Folder with MNIST's four IDX files.  [default: data/raw/mnist]")
@click.option("--download", is_flag=True, help="Download missing files.")
@click.option("--out", default="results/literature", show_default=True, type=Path)
@click.option("--epochs", default=RUN.epochs, show_default=True, type=click.IntRange(min=1))
@click.option("--threads", default=2, show_default=True, type=click.IntRange(min=1))
def main(root: str | None, download: bool, out: Path, epochs: int, threads: int) -> None:
    """Train the IWAE paper's one-layer VAE and print its test NLL next to the paper's.

    The settings data.root and data.download, which messages mention, are options here.
    """
    run = RUN.model_copy(update={"epochs": epochs})
    data = prepared_file(out, root, download=download)
    model, card = trained_model(out, data, run, threads)

    prepared = load_prepared(data)
    images = model_inputs(prepared.splits["test"], run.binarisation)
    torch.set_num_threads(threads)
    start = time.perf_counter()
    generator = seeded_generator(run.seed, "evaluation")
    log_weights = grouped_log_weights(model, images, max(SHOWN_K) // GROUP, generator).numpy()
    seconds = time.perf_counter() - start

    table = Table(title=f"Test NLL of {len(images):,} images, nats per image")
    for heading in ("K", "here", "Monte-Carlo error", "IWAE paper"):
        table.add_column(heading, justify="right")
    for samples in SHOWN_K:
        found = estimate(log_weights, samples)
        published = f"{PUBLISHED:.2f}" if samples == max(SHOWN_K) else ""
        table.add_row(str(samples), f"{found.value:.2f}", f"{found.standard_error:.4f}", published)
    Console().print(table)
    per_image = logsumexp(log_weights, axis=0)
    test_error = float(np.std(per_image, ddof=1)) / math.sqrt(len(images))
    click.echo(
        f"Standard error over test sets of this size: {test_error:.2f}.\n"
        f"Trained on {len(prepared.splits['train']):,} images for {card.epochs} epochs with "
        f"batches of {run.batch_size}, {card.protocol.arithmetic}, Adam with a one-cycle schedule "
        f"that peaks at {run.learning_rate:g} for layers with 400 inputs, seed {run.seed}.\n"
        f"Training took {card.train_seconds / 60:.1f} minutes and the estimate "
        f"{seconds / 60:.1f}, with {threads} threads."
    )


if __name__ == "__main__":
    main()

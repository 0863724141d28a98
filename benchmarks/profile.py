"""Where the time of a training step goes, and what the machine could do: `make profile`.

Compares our step with plain torch's on the same network with one thread. Torch counts the
operations. The ceiling is a large matrix product in the same precision and process.
"""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click
import torch
from rich.console import Console
from rich.table import Table
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.context import COMPARED, Context, run_settings
from benchmarks.peers import plain_torch
from pipeline.data.prepared import load_prepared
from pipeline.models.elbo import bound, training_loss
from pipeline.numerics.hardware import resolve_hardware
from pipeline.numerics.optimizers import Adam
from pipeline.training.loop import ADAM_BETAS
from pipeline.training.rates import parameter_groups
from pipeline.training.run import new_model

STEPS, WARM_UP = 20, 3
CEILING_SIDE = 2048
# Groups by prefix of the operation's name; the first match counts.
GROUPS = {
    "convolution, backward": ("aten::convolution_backward", "aten::mkldnn_convolution_backward"),
    "convolution": ("aten::mkldnn_convolution", "aten::_convolution", "aten::slow_conv"),
    "matrix product": ("aten::mm", "aten::addmm", "aten::bmm", "mkldnn::_linear"),
    "patches": ("aten::col2im", "aten::im2col"),
    "copies and casts": ("aten::copy_", "aten::cat"),
    "activation": ("aten::silu", "aten::threshold", "aten::relu", "aten::clamp_min"),
    "loss": ("aten::softplus", "aten::binary_cross_entropy", "aten::exp", "aten::log", "aten::sum"),
    "optimiser": ("aten::_fused_adam", "Optimizer", "aten::_foreach", "aten::sqrt", "aten::addc"),
}

Step = Callable[[], None]


def our_step(architecture: str, data: Path, batch: int) -> Step:
    """Return a training step as in `pipeline.training.loop`."""
    prepared = load_prepared(data, splits=("train", "valid"))
    run = run_settings(architecture, **COMPARED, batch_size=batch)
    machine = resolve_hardware("cpu", "auto")
    model = new_model(run, prepared).to(memory_format=torch.channels_last)
    optimizer = Adam(parameter_groups(model, 1e-3), betas=ADAM_BETAS, fused=True)
    images = prepared.splits["train"].images[:batch].unsqueeze(1)
    noise = torch.randn(batch, run.latent_dim)

    def step() -> None:
        with machine.autocast():
            terms = bound(model, images / 255, noise)
        optimizer.zero_grad()
        training_loss(terms, run.beta, run.free_bits).mean().backward()
        optimizer.step()

    return step


def plain_step(architecture: str, data: Path, batch: int) -> Step:
    """Return a training step of plain torch, without its DataLoader."""
    images = load_prepared(data, splits=("train",)).splits["train"].images[:batch]
    x = images.unsqueeze(1).float() / 255
    model = plain_torch.MODELS[architecture]()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        plain_torch.loss(x, *model(x)).backward()
        optimizer.step()

    return step


def ceiling(dtype: torch.dtype) -> float:
    """Return the GFLOP/s of a large matrix product."""
    one = torch.randn(CEILING_SIDE, CEILING_SIDE).to(dtype)
    one @ one
    start = time.perf_counter()
    for _ in range(STEPS):
        one @ one
    return STEPS * 2 * CEILING_SIDE**3 / (time.perf_counter() - start) / 1e9


def group_of(name: str) -> str:
    return next((group for group, begins in GROUPS.items() if name.startswith(begins)), "other")


@click.command()
@click.option("--root", type=Path, default=Path("data/raw/mnist"), show_default=True)
@click.option("--out", type=Path, default=Path("results/bench"), show_default=True)
@click.option("--batch", default=128, show_default=True)
def main(root: Path, out: Path, batch: int) -> None:
    """Print how the time of a training step is spent."""
    torch.set_num_threads(1)
    data = Context(root, out, 1, quick=False).prepared()
    precision = resolve_hardware("cpu", "auto").precision
    ceilings = {"ours": ceiling(getattr(torch, precision)), "plain": ceiling(torch.float32)}
    columns: dict[str, dict[str, str]] = {}
    for architecture in ("linear", "conv"):
        for who, make in (("plain", plain_step), ("ours", our_step)):
            step = make(architecture, data, batch)
            for _ in range(WARM_UP):
                step()
            with FlopCounterMode(display=False) as counter:
                step()
            start = time.perf_counter()
            for _ in range(STEPS):
                step()
            seconds = (time.perf_counter() - start) / STEPS
            with profile(activities=[ProfilerActivity.CPU]) as found:
                for _ in range(STEPS):
                    step()
            spent: Counter[str] = Counter()
            for event in found.key_averages():
                spent[group_of(event.key)] += event.self_cpu_time_total
            total = sum(spent.values())
            speed = counter.get_total_flops() / seconds / 1e9
            columns[f"{architecture}, {who}"] = {
                "ms per step": f"{1000 * seconds:.1f}",
                "MFLOP per image": f"{counter.get_total_flops() / batch / 1e6:.1f}",
                "GFLOP/s": f"{speed:.0f}",
                "share of the ceiling": f"{speed / ceilings[who]:.0%} of {ceilings[who]:.0f}",
                **{group: f"{spent[group] / total:.0%}" for group in (*GROUPS, "other")},
            }
    table = Table(title=f"A training step of {batch} images on one thread; ours in {precision}")
    table.add_column("")
    for heading in columns:
        table.add_column(heading, justify="right")
    for name in next(iter(columns.values())):
        table.add_row(name, *(column[name] for column in columns.values()))
    Console().print(table)


if __name__ == "__main__":
    main()

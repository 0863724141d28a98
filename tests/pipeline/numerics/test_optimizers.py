"""Optimisers take the same steps as torch's, without importing torch's compiler."""

import subprocess
import sys

import pytest
import torch

from pipeline.numerics import optimizers

STEPS = """
import sys
import torch
from pipeline.numerics import optimizers

layer = torch.nn.Linear(3, 2)
for kind in (optimizers.Adam, optimizers.AdamW):
    optimizer = kind(layer.parameters(), lr=0.1, fused=True)
    optimizer.zero_grad()
    layer(torch.ones(4, 3)).sum().backward()
    optimizer.step()
sys.exit("torch._dynamo" in sys.modules)
"""


def weights_after_steps(kind: type[torch.optim.Optimizer]) -> torch.Tensor:
    layer = torch.nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(6.0).reshape(2, 3))
        layer.bias.zero_()
    optimizer = kind(layer.parameters(), lr=0.1, betas=(0.9, 0.99), fused=True)  # type: ignore[call-arg]
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=5)
    for _ in range(4):
        optimizer.zero_grad()
        layer(torch.ones(4, 3)).square().sum().backward()
        optimizer.step()
        scheduler.step()
    return layer.weight.detach()


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_steps_equal_those_of_torch(name: str) -> None:
    ours, torchs = getattr(optimizers, name), getattr(torch.optim, name)
    assert torch.equal(weights_after_steps(ours), weights_after_steps(torchs))


def test_steps_do_not_import_the_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", STEPS], check=False)
    assert done.returncode == 0

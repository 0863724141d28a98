"""A VAE as most torch users first write it: torchvision's data set, DataLoader, Adam, float32.

Our own version of the well-known example: 784-400-20 with ReLU, batches of 128, Adam at 1e-3,
summed cross-entropy on grey pixels plus KL. The convolutional VAE has two stride-2 blocks with 32
and 64 channels each way. Nothing here comes from the project, so that both stay independent.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import transforms
from torchvision.datasets import MNIST

BATCH, LEARNING_RATE, LATENT = 128, 1e-3, 20
WORKERS = 0  # of the DataLoader; one or two processes were slower here, by a fifth or more


class LinearVAE(nn.Module):
    """784-400-20-400-784."""

    def __init__(self, hidden: int = 400, latent: int = LATENT) -> None:
        super().__init__()
        self.hidden = nn.Linear(784, hidden)
        self.mu = nn.Linear(hidden, latent)
        self.log_var = nn.Linear(hidden, latent)
        self.up = nn.Linear(latent, hidden)
        self.out = nn.Linear(hidden, 784)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = F.relu(self.hidden(x.flatten(1)))
        return self.mu(hidden), self.log_var(hidden)

    def decode(self, z: Tensor) -> Tensor:
        return self.out(F.relu(self.up(z)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, log_var = self.encode(x)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * log_var)
        return self.decode(z), mu, log_var


class ConvVAE(LinearVAE):
    """32 and 64 channels, kernel 4, stride 2, and 256 units before the code."""

    def __init__(self, latent: int = LATENT) -> None:
        nn.Module.__init__(self)
        self.down = nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 4, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * 49, 256),
            nn.ReLU(),
        )
        self.mu = nn.Linear(256, latent)
        self.log_var = nn.Linear(256, latent)
        self.up = nn.Sequential(
            nn.Linear(latent, 256),
            nn.ReLU(),
            nn.Linear(256, 64 * 49),
            nn.ReLU(),
            nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 32, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, 2, 1),
            nn.Flatten(),
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.down(x)
        return self.mu(hidden), self.log_var(hidden)

    def decode(self, z: Tensor) -> Tensor:
        image: Tensor = self.up(z)
        return image


MODELS = {"linear": LinearVAE, "conv": ConvVAE}


def loss(x: Tensor, logits: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    """Return the -ELBO in nats, summed over the batch."""
    cross_entropy = F.binary_cross_entropy_with_logits(logits, x.flatten(1), reduction="sum")
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
    return cross_entropy + kl


def loader(root: Path, *, train: bool, images: int | None = None) -> DataLoader[Any]:
    data: Dataset[Any] = MNIST(str(root), train=train, transform=transforms.ToTensor())
    if images is not None:
        data = Subset(data, range(images))
    return DataLoader(data, batch_size=BATCH, shuffle=train, num_workers=WORKERS)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch: seconds since the start, and the test -ELBO in nats per image if requested."""

    epoch: int
    train_seconds: float  # training only
    seconds: float  # including tests
    test_loss: float | None


def train(
    architecture: str,
    root: Path,
    epochs: int,
    seed: int,
    *,
    test: bool = False,
    images: int | None = None,
) -> Iterator[Epoch]:
    """Train on MNIST or its first images; with ``test``, measure the test split each epoch."""
    torch.manual_seed(seed)
    model = MODELS[architecture]()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    batches, tests = loader(root, train=True, images=images), loader(root, train=False)
    start, training = time.perf_counter(), 0.0
    for epoch in range(1, epochs + 1):
        began = time.perf_counter()
        model.train()
        for x, _ in batches:
            optimizer.zero_grad()
            cost = loss(x, *model(x))
            cost.backward()
            optimizer.step()
        training += time.perf_counter() - began
        found = test_loss(model, tests) if test else None
        yield Epoch(epoch, training, time.perf_counter() - start, found)


@torch.no_grad()
def test_loss(model: nn.Module, batches: DataLoader[Any]) -> float:
    """Return the -ELBO in nats per test image, with one draw each."""
    model.eval()
    total, count = 0.0, 0
    for x, _ in batches:
        total += loss(x, *model(x)).item()
        count += len(x)
    return total / count

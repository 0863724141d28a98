"""A search as Optuna's documentation teaches it: one objective, DataLoader, MedianPruner, SQLite.

The space, the images and the number of epochs are those of the project's default search, and so is
the value: the validation ELBO of binarised digits, whatever beta the model was trained with. One
process on all cores. Nothing here comes from the project.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import optuna
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass(frozen=True, slots=True)
class Data:
    """Images (N, 1, 28, 28) in [0, 1]; those to validate are binarised once, as the project's."""

    train: Tensor
    valid: Tensor


class PlainVAE(nn.Module):
    """An encoder and a decoder as the trial suggests them."""

    def __init__(self, trial: optuna.Trial) -> None:
        super().__init__()
        latent = trial.suggest_int("latent_dim", 2, 64, log=True)
        if trial.suggest_categorical("architecture", ["linear", "conv"]) == "linear":
            width = trial.suggest_int("width", 128, 512, log=True)
            depth = trial.suggest_int("depth", 1, 3)
            sizes = [width] * depth
            self.encoder = nn.Sequential(nn.Flatten(), *dense([784, *sizes, 2 * latent]))
            self.decoder = nn.Sequential(
                *dense([latent, *sizes, 784]), nn.Unflatten(1, (1, 28, 28))
            )
        else:
            first = trial.suggest_categorical("channels", [16, 24])
            blocks = trial.suggest_int("blocks", 2, 3)
            channels = [1, *(first * 2**block for block in range(blocks))]
            sides = [28, 14, 7, 3][: blocks + 1]
            features = channels[-1] * sides[-1] ** 2
            down: list[nn.Module] = []
            up: list[nn.Module] = [nn.Unflatten(1, (channels[-1], sides[-1], sides[-1]))]
            for block in range(blocks):
                down += [nn.Conv2d(channels[block], channels[block + 1], 4, 2, 1), nn.SiLU()]
            for block in reversed(range(blocks)):
                odd = sides[block] % 2
                up += [
                    nn.ConvTranspose2d(channels[block + 1], channels[block], 4, 2, 1, odd),
                    nn.SiLU(),
                ]
            self.encoder = nn.Sequential(*down, nn.Flatten(), *dense([features, 256, 2 * latent]))
            self.decoder = nn.Sequential(*dense([latent, 256, features]), nn.SiLU(), *up[:-1])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstruction and KL of the batch, summed over it, in nats."""
        mu, log_var = self.encoder(x).chunk(2, dim=1)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * log_var)
        reconstruction = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        return reconstruction, -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())


def dense(sizes: list[int]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for size, following in pairwise(sizes):
        layers += [nn.Linear(size, following), nn.SiLU()]
    return layers[:-1]


def objective(trial: optuna.Trial, data: Data, epochs: int) -> float:
    beta = trial.suggest_float("beta", 0.25, 4.0, log=True)
    batch_size = trial.suggest_categorical("batch_size", [128, 256])
    model = PlainVAE(trial)
    rate = trial.suggest_float("learning_rate", 0.002, 0.02, log=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    batches = DataLoader(TensorDataset(data.train), batch_size=batch_size, shuffle=True)
    tests = DataLoader(TensorDataset(data.valid), batch_size=500)
    elbo = float("-inf")
    for epoch in range(epochs):
        model.train()
        for (grey,) in batches:
            optimizer.zero_grad()
            reconstruction, kl = model(torch.bernoulli(grey))
            ((reconstruction + beta * kl) / len(grey)).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            costs = [sum(model(x)).item() for (x,) in tests]
        elbo = -sum(costs) / len(data.valid)
        trial.report(elbo, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return elbo


def search(
    data: Data, trials: int, epochs: int, seed: int, url: str, tell: Callable[[float, float], None]
) -> None:
    """Run the trials; tell seconds since the start and the best value after each."""
    torch.manual_seed(seed)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        storage=url,
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(),
    )
    start = time.perf_counter()

    def after(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        done = [t for t in study.trials if t.state is optuna.trial.TrialState.COMPLETE]
        best = max((t.value for t in done if t.value is not None), default=float("-inf"))
        tell(time.perf_counter() - start, best)

    study.optimize(
        lambda trial: objective(trial, data, epochs), trials, catch=ValueError, callbacks=[after]
    )

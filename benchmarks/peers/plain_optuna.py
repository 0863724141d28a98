"""A search as in Optuna's documentation: one objective, DataLoader, MedianPruner, SQLite.

The space, the first points, the images, the number of epochs and the objective (validation ELBO of
binarised digits, for any beta in training) are those of the project's default search. One process
on all cores.
Nothing here comes from the project.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import optuna
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass(frozen=True, slots=True)
class Data:
    """Images (N, 1, 28, 28) in [0, 1]; validation images are binarised once, as in the project."""

    train: Tensor
    valid: Tensor


class PlainVAE(nn.Module):
    """A VAE with the hyperparameters that the trial suggests."""

    def __init__(self, trial: optuna.Trial) -> None:
        super().__init__()
        latent = trial.suggest_int("latent_dim", 2, 40)
        if trial.suggest_categorical("architecture", ["linear", "conv"]) == "linear":
            hidden = trial.suggest_categorical("hidden", ["400 200", "400", "800", "800 400"])
            sizes = list(map(int, hidden.split()))
            self.encoder = nn.Sequential(nn.Flatten(), *dense([784, *sizes, 2 * latent]))
            self.decoder = nn.Sequential(
                *dense([latent, *reversed(sizes), 784]), nn.Unflatten(1, (1, 28, 28))
            )
        else:
            widths = trial.suggest_categorical("channels", ["32 64", "32 64 128"])
            channels = [1, *map(int, widths.split())]
            blocks = len(channels) - 1
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
        """Return reconstruction and KL in nats, summed over the batch."""
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
    beta = trial.suggest_float("beta", 0.7, 1.2, log=True)
    batch_size = trial.suggest_categorical("batch_size", [64, 128])
    model = PlainVAE(trial)
    rate = trial.suggest_float("learning_rate", 0.002, 0.008, log=True)
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


def first_points() -> Iterator[dict[str, object]]:
    """The default grid's cells, with the grid's settings."""
    for architecture in ("linear", "conv"):
        for latent in (2, 5, 10, 20):
            point: dict[str, object] = {"architecture": architecture, "latent_dim": latent}
            point |= {"beta": 1.0, "learning_rate": 0.005, "batch_size": 128}
            yield point | OWN[architecture]


OWN = {"linear": {"hidden": "400 200"}, "conv": {"channels": "32 64"}}


def search(
    data: Data, trials: int, epochs: int, seed: int, url: str, tell: Callable[[float, float], None]
) -> None:
    """Run the trials; after each, report the seconds since the start and the best value."""
    torch.manual_seed(seed)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        storage=url,
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(),
    )
    for point in first_points():
        study.enqueue_trial(point)
    start = time.perf_counter()

    def after(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        done = [t for t in study.trials if t.state is optuna.trial.TrialState.COMPLETE]
        best = max((t.value for t in done if t.value is not None), default=float("-inf"))
        tell(time.perf_counter() - start, best)

    study.optimize(
        lambda trial: objective(trial, data, epochs), trials, catch=ValueError, callbacks=[after]
    )

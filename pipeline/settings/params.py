"""The whole of params.yaml, and the training runs that it describes."""

from collections.abc import Iterator
from functools import cached_property
from itertools import product

from pipeline.settings.base import SettingsSection
from pipeline.settings.data import DataSettings
from pipeline.settings.evaluate import AnalyzeSettings, EvaluateSettings, JudgeSettings
from pipeline.settings.search import SearchSettings
from pipeline.settings.train import (
    Binarisation,
    GridPoint,
    GridSettings,
    Likelihood,
    RunSettings,
    TrainingRecipe,
    TrainSettings,
)


class Settings(SettingsSection):
    """The whole of params.yaml."""

    data: DataSettings
    search: SearchSettings
    train: TrainSettings
    judge: JudgeSettings
    evaluate: EvaluateSettings
    analyze: AnalyzeSettings

    @property
    def likelihood(self) -> Likelihood:
        """The likelihood of all models of the grid, with ``auto`` resolved."""
        asked = self.train.model.likelihood
        return self.data.likelihood if asked == "auto" else asked

    @property
    def binarisation(self) -> Binarisation:
        """The binarisation of all runs of the grid, with ``auto`` resolved."""
        asked = self.train.binarisation
        if asked != "auto":
            return asked
        # The other two likelihoods are densities of grey pixels, unbounded on binary ones.
        return "dynamic" if self.likelihood == "bernoulli" else "none"

    @cached_property
    def runs(self) -> dict[str, RunSettings]:
        """Every run of the grid by its folder under ``models/``, in the grid's order.

        ``linear-2/seed-0``; if the grid varies beta, ``linear-2/beta-4-seed-0``.
        """
        shared = (
            self.train.model_dump(include=set(TrainingRecipe.model_fields))
            | self.train.model.model_dump()
            | {"likelihood": self.likelihood, "binarisation": self.binarisation}
        )
        grid = self.train.grid
        return {
            run_name(point, grid): RunSettings(**shared, **point.model_dump())
            for point in _grid_points(grid)
        }


def _grid_points(grid: GridSettings) -> Iterator[GridPoint]:
    for architecture, latent_dim, beta, seed in product(
        grid.architectures, grid.latent_dims, grid.betas, grid.seeds
    ):
        yield GridPoint(architecture=architecture, latent_dim=latent_dim, beta=beta, seed=seed)


def run_name(point: GridPoint, grid: GridSettings) -> str:
    """Return a run's folder under ``models/`` and ``results/``.

    It names beta only if the grid varies it.
    """
    short, long = run_names(point)
    return long if len(grid.betas) > 1 else short


def run_names(point: GridPoint) -> tuple[str, str]:
    """Return a run's folder in a grid that does not vary beta, and in one that does."""
    cell, seed = cell_name(point.architecture, point.latent_dim), f"seed-{point.seed}"
    return f"{cell}/{seed}", f"{cell}/beta-{shortest_repr(point.beta)}-{seed}"


def cell_name(architecture: str, latent_dim: int) -> str:
    """Return ``linear-2``: the folder of all runs of one architecture and latent size."""
    return f"{architecture}-{latent_dim}"


def shortest_repr(number: float) -> str:
    """Return the shortest text that reads back as the number: ``4``, ``0.5``."""
    return repr(number).removesuffix(".0")

"""What a search is: its plan, stored with it, and the name that the plan gives it."""

import hashlib
from typing import Literal, Self

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import (
    BaseSampler,
    GPSampler,
    GridSampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from pydantic import BaseModel, ConfigDict

from pipeline.errors import UserError
from pipeline.settings import Objective, RunSettings, SearchSettings, Settings
from pipeline.space import Choice, IntRange

WARMUP_SHARE = 0.3  # of a trial's epochs before it may be pruned
CHECKS = 4  # times that a trial is compared with the others; each costs a transaction


Direction = Literal["minimize", "maximize"]


class Plan(BaseModel):
    """Everything that decides a search's trials, but how many there are.

    Attributes:
        search: section ``search``, with what the command line changed.
        base: what the trials do not vary.
        data: name of the data set.
        data_hash: of the prepared file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    search: SearchSettings
    base: RunSettings
    data: str
    data_hash: str

    @classmethod
    def of(cls, settings: Settings, data_hash: str) -> Self:
        """The plan that the settings describe."""
        base = next(iter(settings.runs.values()))
        return cls(search=settings.search, base=base, data=settings.data.name, data_hash=data_hash)

    @property
    def name(self) -> str:
        """Of the search: another space, objective, protocol or seed has another name.

        So a changed plan starts a new search, where Optuna would mix both or fail.
        """
        content = self.model_dump_json(exclude={"search": {"trials"}, "base": {"seed"}})
        digest = hashlib.sha256(content.encode()).hexdigest()[:8]
        return f"{self.data}-{self.search.objective}-{digest}"

    @property
    def directions(self) -> list[Direction]:
        """One for each objective."""
        both: dict[Objective, list[Direction]] = {
            "elbo": ["maximize"],
            "nll": ["minimize"],
            "rate-distortion": ["minimize", "minimize"],
        }
        return both[self.search.objective]

    @property
    def prunes(self) -> bool:
        """Whether trials may end early: two objectives have no order to compare by."""
        return self.search.pruner != "none" and len(self.directions) == 1

    def check_epochs(self) -> frozenset[int]:
        """The epochs after which a trial is compared with the others."""
        epochs = self.search.epochs
        first = max(1, round(WARMUP_SHARE * epochs))
        step = max(1, (epochs - first) // CHECKS)
        return frozenset(range(first, epochs, step))

    def pruner(self) -> BasePruner:
        """As the plan asks for."""
        if not self.prunes:
            return NopPruner()
        if self.search.pruner == "hyperband":
            return HyperbandPruner(
                min_resource=min(self.check_epochs(), default=1), max_resource=self.search.epochs
            )
        return MedianPruner(n_startup_trials=5, n_warmup_steps=0)

    def sampler(self, asked: int) -> BaseSampler:
        """A sampler for one trial.

        Args:
            asked: how many trials were asked for before. A seed of its own for each makes an
                interrupted search go on as an undisturbed one, and no two workers ask alike.
        """
        seed = (self.search.seed * 1_000_003 + asked) % 2**32
        match self.search.sampler:
            case "random":
                return RandomSampler(seed=seed)
            case "qmc":
                return QMCSampler(seed=self.search.seed, warn_asynchronous_seeding=False)
            case "gp":
                return GPSampler(seed=seed)
            case "grid":
                return GridSampler(self._grid(), seed=self.search.seed)
            case "tpe":
                return TPESampler(seed=seed)

    def _grid(self) -> dict[str, list[str | int | float]]:
        grid: dict[str, list[str | int | float]] = {}
        for dimension in self.search.space:
            if isinstance(dimension, Choice):
                grid[dimension.name] = list(dimension.choices)
            elif isinstance(dimension, IntRange) and not dimension.log:
                grid[dimension.name] = list(range(dimension.low, dimension.high + 1))
            else:
                raise UserError(
                    f"search.sampler = grid needs choices, but {dimension.name} is a range; "
                    "declare it as categorical, or take another sampler"
                )
        return grid


PLAN, PARENT, TARGET = "plan", "mlflow_parent", "target"  # attributes of the search


def plan_of(search: optuna.Study) -> Plan:
    """The plan that is stored with a search."""
    return Plan.model_validate_json(search.user_attrs[PLAN])

"""The plan of a search, which is stored with it and gives it its name."""

import hashlib
from functools import cached_property
from typing import Literal, Self

import optuna
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PercentilePruner,
)
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from pydantic import BaseModel, ConfigDict

import pipeline.data
import pipeline.evaluation
import pipeline.models
import pipeline.numerics
import pipeline.training
import study.search
from pipeline.numerics.hardware import resolve_hardware
from pipeline.schemas.fingerprint import source_hash
from pipeline.settings import Objective, RunSettings, SearchSettings, Settings
from study.search.fixed_designs import grid, sobol_point
from study.search.space import Chosen

WARMUP_SHARE = 0.13  # of a trial's epochs, before which it is not pruned
CHECKS = 6  # how often a trial is compared with the others; each time costs a transaction
STARTUP = 2  # how many complete trials a comparison needs
BEST_SHARE = 25.0  # percent of the complete trials that a trial must be among
NLL_SAMPLES, NLL_BATCH = 64, 500  # for the objective nll: draws per image, images per batch

# The code that decides which trials there are and what each is worth. An edit to it starts a new
# search, because old and new trials would not compare.
_CODE = source_hash(
    study.search, pipeline.data, pipeline.numerics, pipeline.models, pipeline.training
)
_NLL_CODE = source_hash(pipeline.evaluation)

Direction = Literal["minimize", "maximize"]


def code_hash(objective: Objective) -> str:
    """Hash the code that decides a search's trials; only the objective nll estimates -log p(x)."""
    return f"{_CODE}{_NLL_CODE}" if objective == "nll" else _CODE


class Plan(BaseModel):
    """Everything that decides a search's trials, except how many there are.

    Attributes:
        search: section ``search`` with the changes of the command line.
        base: the settings that trials do not vary.
        data: name of the data set.
        data_hash: hash of the prepared file.
        code: hash of the code that decides the trials.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    search: SearchSettings
    base: RunSettings
    data: str
    data_hash: str
    code: str

    @classmethod
    def of(cls, settings: Settings, data_hash: str) -> Self:
        """Return the plan that the settings describe."""
        base = next(iter(settings.runs.values()))
        # Trials of different precision do not compare, so what `auto` means is decided once.
        precision = resolve_hardware(base.device, base.precision).precision
        return cls(
            search=settings.search,
            base=base.model_copy(update={"precision": precision}),
            data=settings.data.name,
            data_hash=data_hash,
            code=code_hash(settings.search.objective),
        )

    @property
    def name(self) -> str:
        """Name of the search, which another space, objective, protocol, seed or code changes.

        So a changed plan starts a new search, where Optuna would mix both or fail. Settings that
        each trial sets for itself do not matter.
        """
        searched = {dimension.name for dimension in self.search.space if not dimension.when}
        own = searched & set(RunSettings.model_fields) | {"seed", "epochs"}
        content = self.model_dump_json(exclude={"search": {"trials"}, "base": own})
        digest = hashlib.sha256(content.encode()).hexdigest()[:8]
        return f"{self.data}-{self.search.objective}-{digest}"

    @property
    def directions(self) -> list[Direction]:
        """The direction of each objective."""
        both: dict[Objective, list[Direction]] = {
            "elbo": ["maximize"],
            "nll": ["minimize"],
            "rate-distortion": ["minimize", "minimize"],
        }
        return both[self.search.objective]

    @property
    def prunes(self) -> bool:
        """Whether trials may end early; two objectives have no order to compare by."""
        return self.search.pruner != "none" and len(self.directions) == 1

    def check_epochs(self) -> frozenset[int]:
        """The epochs after which a trial is compared with the others."""
        epochs = self.search.epochs
        first = max(1, round(WARMUP_SHARE * epochs))
        step = max(1, (epochs - first) // CHECKS)
        return frozenset(range(first, epochs, step))

    def pruner(self) -> BasePruner:
        """Return the pruner that the plan asks for."""
        if not self.prunes:
            return NopPruner()
        if self.search.pruner == "hyperband":
            return HyperbandPruner(
                min_resource=min(self.check_epochs(), default=1), max_resource=self.search.epochs
            )
        if self.search.pruner == "percentile":
            return PercentilePruner(BEST_SHARE, n_startup_trials=STARTUP)
        return MedianPruner(n_startup_trials=STARTUP)

    def sampler(self, number: int) -> BaseSampler:
        """Return a sampler for one trial, with its own seed: a resumed search repeats no point."""
        seed = (self.search.seed * 1_000_003 + number) % 2**32
        match self.search.sampler:
            case "tpe":
                return TPESampler(seed=seed)
            case "gp":
                return GPSampler(seed=seed)
            case _:
                return RandomSampler(seed=seed)

    def point(self, number: int) -> Chosen | None:
        """Return what a trial tries in a fixed design; None if a sampler decides."""
        match self.search.sampler:
            case "grid":
                return self._grid[number]
            case "qmc":
                return sobol_point(self.search.space, number, self.search.seed)
            case _:
                return None

    @property
    def most(self) -> int | None:
        """How many trials there can be: the points of the grid, or None for no limit."""
        return len(self._grid) if self.search.sampler == "grid" else None

    @cached_property
    def _grid(self) -> list[Chosen]:
        return grid(self.search.space, self.search.seed)


PLAN, PARENT, TARGET = "plan", "mlflow_parent", "target"  # attributes of a search


def plan_of(search: optuna.Study) -> Plan:
    """Return the plan that is stored with a search."""
    return Plan.model_validate_json(search.user_attrs[PLAN])

"""The plan of a search, which is stored with it and gives it its name."""

import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Literal, Self

import optuna
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PercentilePruner,
)
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import UserError
from pipeline.settings import Objective, RunSettings, SearchSettings, Settings
from pipeline.settings.space import Choice, Value
from pipeline.settings.space_rules import size
from study.search.first import FirstPoints, base_of, first_points
from study.search.fixed_designs import grid, sobol_point
from study.search.space import Chosen

WARMUP_SHARE = 1 / 3  # of a trial's epochs, before which it is not pruned
PARTS = 4  # of the epochs after that; a trial is compared with the others before each of them
# A trial is pruned only if this many of its group, and this share of them, are complete. So pruning
# leaves every group enough values to compare, however much better another group is. Half, because
# importances need ten complete trials of an architecture.
FEWEST_COMPLETE, COMPLETE_SHARE = 5, 0.5
BEST_SHARE = 75.0  # percent of the complete trials that a trial must be among, for percentile
# Trials of each group before TPE or GP decides: its first points, then points of a Sobol sequence,
# which leave no combination of choices out as random points do.
STARTUP = 8
NLL_SAMPLES, NLL_BATCH = 64, 500  # for the objective nll: draws per image, images per batch

Direction = Literal["minimize", "maximize"]


class _TPE(TPESampler):
    """Multivariate TPE that takes a running trial for what it tries.

    Optuna's also remembers the values that it drew for dimensions that do not apply to the trial,
    which only the process that proposed the trial could know.
    """

    def _get_params(self, trial: FrozenTrial, study: optuna.Study) -> dict[str, Any]:
        return trial.params


class Plan(BaseModel):
    """Everything that decides a search's trials, except how many there are.

    Attributes:
        search: section ``search`` with the changes of the command line.
        base: the settings that trials do not vary.
        first: what is tried before the sampler decides.
        data: name of the data set.
        data_hash: hash of the prepared file.
        code: hash of the code that decides the trials.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    search: SearchSettings
    base: RunSettings
    first: tuple[Chosen, ...]
    data: str
    data_hash: str
    code: str

    @classmethod
    def of(cls, settings: Settings, data_hash: str, first: FirstPoints | None = None) -> Self:
        """Return the plan that the settings describe.

        Args:
            settings: all settings.
            data_hash: hash of the prepared file.
            first: what to try first; by default what the settings say.
        """
        # Imported here, because it takes time that those who only read a plan need not wait.
        from pipeline.numerics.hardware import resolve_hardware
        from study.search.code import code_hash

        base = base_of(settings)
        # Trials of different precision do not compare, so what `auto` means is decided once.
        precision = resolve_hardware(base.device, base.precision).precision
        return cls(
            search=settings.search,
            base=base.model_copy(update={"precision": precision}),
            first=(first or first_points(settings)).points,
            data=settings.data.name,
            data_hash=data_hash,
            code=code_hash(settings.search.objective),
        )

    def again(self, settings: Settings) -> Self:
        """Return the plan that settings describe, with the same data, code and hardware."""
        base = base_of(settings)
        precision = self.base.precision if base.precision == "auto" else base.precision
        return self.model_copy(
            update={
                "search": settings.search,
                "base": base.model_copy(update={"precision": precision}),
                "first": first_points(settings).points,
                "data": settings.data.name,
            }
        )

    @property
    def name(self) -> str:
        """Name of the search, which another space, objective, protocol, seed or code changes.

        So a changed plan starts a new search, where Optuna would mix both or fail. Settings that
        each trial sets for itself do not matter.
        """
        searched = {dimension.name for dimension in self.search.space if not dimension.when}
        own = searched & set(RunSettings.model_fields) | {"seed", "epochs"}
        # The first points count as what they are, not as how they were asked for.
        beside = {"trials", "confirm", "first"}
        content = self.model_dump_json(exclude={"search": beside, "base": own})
        digest = hashlib.sha256(content.encode()).hexdigest()[:8]
        return f"{self.data}-{self.search.objective}-{digest}"

    @property
    def metrics(self) -> list[str]:
        """The name of each objective."""
        two = self.search.objective == "rate-distortion"
        return ["reconstruction", "kl"] if two else [self.search.objective]

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
        first = math.ceil(WARMUP_SHARE * epochs)
        step = max(1, math.ceil((epochs - first) / PARTS))
        # A comparison with less than a part to go would cost more than it saves.
        return frozenset(range(first, epochs - step + 1, step))

    def pruner(self) -> BasePruner:
        """Return the pruner that the plan asks for, to be used within a group of trials."""
        if not self.prunes:
            return NopPruner()
        if self.search.pruner == "hyperband":
            return HyperbandPruner(
                min_resource=min(self.check_epochs(), default=1), max_resource=self.search.epochs
            )
        if self.search.pruner == "percentile":
            return PercentilePruner(BEST_SHARE, n_startup_trials=FEWEST_COMPLETE)
        return MedianPruner(n_startup_trials=FEWEST_COMPLETE)

    def sampler(self, number: int) -> BaseSampler:
        """Return a sampler for one trial, with its own seed: a resumed search repeats no point."""
        seed = (self.search.seed * 1_000_003 + number) % 2**32
        match self.search.sampler:
            case "tpe":
                return _TPE(seed=seed, multivariate=True, group=True, n_startup_trials=1)
            case "gp":
                return GPSampler(seed=seed, n_startup_trials=1)
            case _:
                return RandomSampler(seed=seed)

    def next_choices(self, points: Iterable[Mapping[str, Value]]) -> Chosen:
        """Return the choices of ``search.balance`` that have the fewest trials so far.

        Args:
            points: what the trials so far have tried.
        """
        balanced = [
            one
            for one in self.search.space
            if isinstance(one, Choice) and one.name in self.search.balance
        ]
        names: list[str] = [one.name for one in balanced]
        tried = Counter(tuple(point[name] for name in names) for point in points)
        every = list(itertools.product(*(one.values for one in balanced)))
        fewest = min(tried[one] for one in every)
        given = next(one for one in every if tried[one] == fewest)
        return dict(zip(names, given, strict=True))

    def point(self, number: int, given: Chosen, place: int) -> Chosen | None:
        """Return what a trial tries by design; None if a sampler decides.

        Args:
            number: the trial's number, after those of the first points.
            given: the choices of ``search.balance``.
            place: how many trials have tried these choices before.
        """
        match self.search.sampler:
            case "grid":
                return self._grid[number]
            case "qmc":
                return sobol_point(self.search.space, place, self.search.seed, given)
            case "tpe" | "gp" if place < STARTUP:
                return sobol_point(self.search.space, place, self.search.seed, given)
            case _:
                return None

    @cached_property
    def most(self) -> float:
        """How many different trials there can be; infinite with a range without steps."""
        if self.search.sampler == "grid":
            return len(self.first) + len(self._grid)
        return size(self.search.space)

    @cached_property
    def _grid(self) -> list[Chosen]:
        """The points of the grid that are not first points."""
        first = {frozenset(point.items()) for point in self.first}
        points = grid(self.search.space, self.search.seed)
        return [point for point in points if frozenset(point.items()) not in first]


PLAN, PARENT, TARGET = "plan", "mlflow_parent", "target"  # attributes of a search


def plan_of(search: optuna.Study) -> Plan:
    """Return the plan that is stored with a search.

    Raises:
        UserError: if another version of this project made the search.
    """
    try:
        return Plan.model_validate_json(search.user_attrs[PLAN])
    except ValidationError:
        raise UserError(
            f"search {search.study_name} was made by another version of vae-study: use that "
            "version to view it, `study run` to start a new search, or `study delete "
            f"{search.study_name}` to delete it"
        ) from None


def is_described(search: optuna.Study, settings: Settings) -> bool:
    """Return whether settings, with the same data, code and hardware, give the search its name."""
    return plan_of(search).again(settings).name == search.study_name

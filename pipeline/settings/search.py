"""Section ``search``."""

import re
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, Strict, model_validator

from pipeline.settings.base import NonNegative, Positive, Seed, SettingsSection, TupleOf
from pipeline.settings.shown import show_exactly
from pipeline.settings.space import (
    Choice,
    Dimension,
    FloatRange,
    Name,
    Written,
    require_values,
)
from pipeline.settings.space_rules import (
    require_consistent,
    require_few_combinations,
    require_grid,
    require_point,
)
from pipeline.settings.train import Architecture

Objective = Literal["elbo", "nll", "rate-distortion"]
Sampler = Literal["tpe", "random", "qmc", "grid", "gp"]
Pruner = Literal["median", "percentile", "hyperband", "none"]

# A point that is written out by hand, as values by dimension.
Point = Annotated[dict[str, Written], Strict(False)]
CELL = re.compile(rf"({'|'.join(get_args(Architecture))})-([1-9][0-9]*)")


def _is_continuous(dimension: Dimension) -> bool:
    return isinstance(dimension, FloatRange) and dimension.step is None


class SearchPlan(SettingsSection):
    """What a search varies, and how: section ``search`` without how much of it there is.

    A search that goes on is the same search, so the number of trials is not part of its plan, nor
    is what happens to its best trials afterwards.
    """

    objective: Objective
    sampler: Sampler
    pruner: Pruner
    prune_within: TupleOf[Name]
    balance: TupleOf[Name]
    ahead: Positive
    replicates: Annotated[Positive, Field(le=1000)]
    epochs: Positive
    seed: Seed
    first: Literal["grid"] | Annotated[TupleOf[str | Point], Field(max_length=1000)]
    space: TupleOf[Dimension] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_consistent(self.space)
        if self.sampler == "grid":
            require_grid(self.space)
        for dimension in self.space:
            alone = isinstance(dimension, Choice) and not dimension.when
            if dimension.name in self.balance and not alone:
                raise ValueError(
                    f"balance: {dimension.name} must be categorical and apply to all trials"
                )
            if dimension.name in self.prune_within and _is_continuous(dimension):
                raise ValueError(
                    f"prune_within: {dimension.name} is a range in which no two trials share a "
                    "value; give it a step, or declare it as categorical"
                )
        require_few_combinations(
            one for one in self.space if isinstance(one, Choice) and one.name in self.balance
        )
        for place, point in enumerate(() if self.first == "grid" else self.first):
            self._require_first(place, point)
        return self

    def _require_first(self, place: int, point: str | Point) -> None:
        cell = CELL.fullmatch(point) if isinstance(point, str) else None
        if isinstance(point, str) and not cell:
            raise ValueError(
                f"first[{place}] = {show_exactly(point)} must be a cell such as linear-10, or a "
                "point such as {latent_dim: 10, beta: 1.0}"
            )
        try:
            if cell:
                require_values("latent_dim", [int(cell[2])])
            elif not isinstance(point, str):
                require_point(self.space, point)
        except ValueError as error:
            raise ValueError(f"first[{place}]: {error}") from None


class SearchSettings(SearchPlan):
    """Section ``search``: a plan, how many finished trials it should have, and what is confirmed.

    Attributes:
        trials: number of finished trials.
        confirm: new seeds with which the best trial of each architecture is trained again.
    """

    trials: Positive
    confirm: Annotated[NonNegative, Field(le=1000)]

    @property
    def plan(self) -> SearchPlan:
        """The plan alone."""
        return SearchPlan.model_validate(self.model_dump(include=set(SearchPlan.model_fields)))

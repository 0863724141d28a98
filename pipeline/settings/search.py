"""Section ``search``."""

from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.settings.base import Positive, Seed, SettingsSection, TupleOf
from pipeline.settings.space import Dimension, require_consistent

Objective = Literal["elbo", "nll", "rate-distortion"]
Sampler = Literal["tpe", "random", "qmc", "grid", "gp"]
Pruner = Literal["median", "percentile", "hyperband", "none"]


class SearchPlan(SettingsSection):
    """What a search varies, and how: section ``search`` without the number of trials.

    A search that goes on is the same search, so that number is not part of its plan.
    """

    objective: Objective
    sampler: Sampler
    pruner: Pruner
    ahead: Positive
    replicates: Positive
    epochs: Positive
    seed: Seed
    space: TupleOf[Dimension] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_consistent(self.space)
        return self


class SearchSettings(SearchPlan):
    """Section ``search``: a plan, and the number of finished trials that it should have."""

    trials: Positive

    @property
    def plan(self) -> SearchPlan:
        """The plan alone."""
        return SearchPlan.model_validate(self.model_dump(exclude={"trials"}))

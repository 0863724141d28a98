"""Section ``search``."""

from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.settings.base import Positive, Seed, SettingsSection, TupleOf
from pipeline.settings.space import Dimension, require_consistent

Objective = Literal["elbo", "nll", "rate-distortion"]
Sampler = Literal["tpe", "random", "qmc", "grid", "gp"]
Pruner = Literal["median", "percentile", "hyperband", "none"]


class SearchSettings(SettingsSection):
    """Section ``search``: which settings the search varies, and how."""

    trials: Positive
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

"""Section ``train``, and the settings of a single training run."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.settings.base import (
    FiniteNonNegative,
    FinitePositive,
    NonNegative,
    Positive,
    Seed,
    SettingsSection,
    TupleOf,
)
from pipeline.settings.shown import show_exactly

Architecture = Literal["linear", "conv"]
Activation = Literal["silu", "relu", "tanh"]
Likelihood = Literal["bernoulli", "continuous-bernoulli", "gaussian"]
Binarisation = Literal["none", "dynamic", "static"]
Schedule = Literal["one-cycle", "cosine", "constant"]
Checkpoint = Literal["last", "best"]
Precision = Literal["float32", "bfloat16"]
Device = Literal["cpu", "cuda"]

LatentDim = Annotated[int, Field(ge=1, le=512)]
Widths = Annotated[TupleOf[Positive], Field(max_length=100)]

MOST_RUNS = 5000  # of the grid


class GridSettings(SettingsSection):
    """Section ``train.grid``: one training run for each combination."""

    architectures: TupleOf[Architecture] = Field(min_length=1)
    latent_dims: TupleOf[LatentDim] = Field(min_length=1)
    betas: TupleOf[FiniteNonNegative] = Field(min_length=1)
    seeds: TupleOf[Seed] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct_and_few(self) -> Self:
        lists = {name: getattr(self, name) for name in type(self).model_fields}
        for name, values in lists.items():
            if len(set(values)) < len(values):
                raise ValueError(f"{name} = {show_exactly(values)} must not contain duplicates")
        runs = math.prod(map(len, lists.values()))
        if runs > MOST_RUNS:
            raise ValueError(f"the lists make {runs:,} runs, but may make {MOST_RUNS:,}")
        return self


class GridPoint(SettingsSection):
    """One combination of the values in ``train.grid``."""

    architecture: Architecture
    latent_dim: LatentDim
    beta: FiniteNonNegative
    seed: Seed


class ModelSettings(SettingsSection):
    """Section ``train.model``: what all models of the grid share."""

    hidden: Widths
    channels: Widths = Field(min_length=1)
    conv_hidden: Widths
    activation: Activation
    likelihood: Likelihood | Literal["auto"]
    scale: FinitePositive | Literal["learned"]


class TrainingRecipe(SettingsSection):
    """How every model of the grid is trained: the keys directly below ``train``."""

    binarisation: Binarisation | Literal["auto"]
    epochs: Positive
    batch_size: Positive
    learning_rate: FinitePositive
    schedule: Schedule
    beta_warmup: NonNegative
    free_bits: FiniteNonNegative
    clip_norm: FinitePositive | None
    patience: Positive | None
    checkpoint: Checkpoint
    precision: Precision | Literal["auto"]
    device: Device | Literal["auto"]


class TrainSettings(TrainingRecipe):
    """Section ``train``: the grid, its models and how they are trained."""

    grid: GridSettings
    hyperparameters: Literal["fixed", "searched"]
    model: ModelSettings


# The order of the bases decides the order of the fields, from the last base to the first. A
# search's name is a hash of these settings in that order.
class RunSettings(TrainingRecipe, ModelSettings, GridPoint):
    """Everything that decides one training run: a grid point with ``auto`` resolved.

    Precision and device can still be ``auto``: only the machine that trains can resolve them.
    """

    likelihood: Likelihood
    binarisation: Binarisation

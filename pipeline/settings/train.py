"""Section ``train``, and the settings of a single training run."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.settings.base import (
    FiniteNonNegative,
    FinitePositive,
    Positive,
    Seed,
    SettingsSection,
    TupleOf,
)

Architecture = Literal["linear", "conv"]
Activation = Literal["silu", "relu", "tanh"]
Likelihood = Literal["bernoulli", "continuous-bernoulli", "gaussian"]
Binarisation = Literal["none", "dynamic", "static"]
Schedule = Literal["one-cycle", "cosine", "constant"]
Checkpoint = Literal["last", "best"]
Precision = Literal["float32", "bfloat16"]
Device = Literal["cpu", "cuda"]

LatentDim = Annotated[int, Field(ge=1, le=512)]


class GridSettings(SettingsSection):
    """Section ``train.grid``: one training run for each combination."""

    architectures: TupleOf[Architecture] = Field(min_length=1)
    latent_dims: TupleOf[LatentDim] = Field(min_length=1)
    betas: TupleOf[FiniteNonNegative] = Field(min_length=1)
    seeds: TupleOf[Seed] = Field(min_length=1)

    @model_validator(mode="after")
    def _no_duplicates(self) -> Self:
        for name in ("architectures", "latent_dims", "betas", "seeds"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name} = {list(values)} must not contain duplicates")
        return self


class GridPoint(SettingsSection):
    """One combination of the values in ``train.grid``."""

    architecture: Architecture
    latent_dim: LatentDim
    beta: FiniteNonNegative
    seed: Seed


class ModelSettings(SettingsSection):
    """Section ``train.model``: what all models of the grid share."""

    hidden: TupleOf[Positive]
    channels: TupleOf[Positive] = Field(min_length=1)
    conv_hidden: TupleOf[Positive]
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
    beta_warmup: Annotated[int, Field(ge=0)]
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

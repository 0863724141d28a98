"""Sections ``judge``, ``evaluate`` and ``analyze``: what happens to trained models."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from pipeline.settings.base import (
    FiniteNonNegative,
    FinitePositive,
    Fraction,
    Positive,
    Seed,
    SettingsSection,
    TupleOf,
)


class JudgeSettings(SettingsSection):
    """Section ``judge``: the classifier that judges generated images."""

    channels: TupleOf[Positive] = Field(min_length=1)
    feature_dim: Annotated[int, Field(ge=64)]
    steps: Positive
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: FinitePositive
    rotation: Annotated[float, Field(ge=0, le=180)]
    scaling: Annotated[float, Field(ge=0, lt=1)]
    shift: FiniteNonNegative
    samples: Positive
    seed: Seed

    @model_validator(mode="after")
    def _enough_samples(self) -> Self:
        if self.samples < 10 * self.feature_dim:
            raise ValueError(
                f"samples = {self.samples} must be at least 10 times feature_dim = "
                f"{self.feature_dim}, or the distances are unreliable"
            )
        return self


class EvaluateSettings(SettingsSection):
    """Section ``evaluate``: how models are evaluated on the test split, and what is drawn."""

    batch_size: Positive
    latent_samples: Positive
    nll_images: Positive | None
    prior_samples: Positive
    reconstructions: Positive
    samples: Positive
    interpolations: Positive
    steps: Annotated[int, Field(ge=3)]
    grid_size: Annotated[int, Field(ge=3)]
    ais_images: Annotated[int, Field(ge=0)]
    ais_chains: Positive
    ais_steps: Positive
    seed: Seed


class AnalyzeSettings(SettingsSection):
    """Section ``analyze``: the report."""

    confidence: Fraction
    margin: FiniteNonNegative

"""Sections ``judge``, ``evaluate`` and ``analyze``: what happens to trained models."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from pipeline.settings.base import (
    FiniteNonNegative,
    FinitePositive,
    Fraction,
    NonNegative,
    Positive,
    Seed,
    SettingsSection,
    TupleOf,
)

# What is drawn or judged at once is bounded, because it has to fit into memory.
UpToThousand = Annotated[Positive, Field(le=1000)]
UpToTenThousand = Annotated[Positive, Field(le=10_000)]


class JudgeSettings(SettingsSection):
    """Section ``judge``: the classifier that judges generated images."""

    channels: TupleOf[UpToThousand] = Field(min_length=1, max_length=10)
    feature_dim: Annotated[int, Field(ge=64, le=2048)]
    steps: Positive
    batch_size: Annotated[int, Field(ge=2, le=10_000)]
    learning_rate: FinitePositive
    rotation: Annotated[float, Field(ge=0, le=180)]
    scaling: Annotated[float, Field(ge=0, lt=1)]
    shift: FiniteNonNegative
    samples: Annotated[Positive, Field(le=50_000)]
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

    batch_size: UpToTenThousand
    latent_samples: UpToTenThousand
    nll_images: Positive | None
    prior_samples: Annotated[Positive, Field(le=100_000)]
    reconstructions: UpToThousand
    samples: UpToTenThousand
    interpolations: UpToThousand
    steps: Annotated[int, Field(ge=3, le=100)]
    grid_size: Annotated[int, Field(ge=3, le=200)]
    ais_images: NonNegative
    ais_chains: UpToTenThousand
    ais_steps: Positive
    seed: Seed


class AnalyzeSettings(SettingsSection):
    """Section ``analyze``: the report."""

    confidence: Fraction
    margin: FiniteNonNegative

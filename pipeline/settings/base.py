"""What all sections of params.yaml share: their base class, their error, common field types."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Strict

from pipeline.errors import UserError

T = TypeVar("T")

# A list in YAML, a tuple here, so that settings can be hashed and shared.
TupleOf = Annotated[tuple[T, ...], Strict(False)]

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
FinitePositive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
FiniteNonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class SettingsError(UserError):
    """Invalid settings; the message names the file, the key, its value and the rule."""


class SettingsSection(BaseModel):
    """Base of all settings: frozen, every key required, no other keys, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

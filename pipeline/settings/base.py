"""What all sections of params.yaml share: their base class, their error, common field types."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

from pipeline.errors import UserError

T = TypeVar("T")

# A list in YAML, a tuple here, so that settings can be hashed and shared.
TupleOf = Annotated[tuple[T, ...], Strict(False)]

MOST = 10**9  # of any whole number: what libraries can count with is larger

Positive = Annotated[int, Field(gt=0, le=MOST)]
NonNegative = Annotated[int, Field(ge=0, le=MOST)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
FinitePositive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
FiniteNonNegative = Annotated[
    float,
    Field(ge=0, allow_inf_nan=False),
    AfterValidator(abs),  # -0.0 is 0.0
]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class SettingsError(UserError):
    """Invalid settings; the message names the file, the key, its value and the rule."""


class SettingsSection(BaseModel):
    """Base of all settings: frozen, every key required, no other keys, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

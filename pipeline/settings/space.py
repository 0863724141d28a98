"""The declared search space: each hyperparameter's range or choices, and when it applies.

Free of torch and optuna: what a sampler does with it is the search's business.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

# A list in YAML, a tuple here: a settings object can then be hashed and shared.
T = TypeVar("T")
Many = Annotated[tuple[T, ...], Strict(False)]
Value = int | float | str

# What may be searched. The last five build the widths of a model from a few numbers, which a
# sampler handles better than lists.
Name = Literal[
    "architecture",
    "latent_dim",
    "beta",
    "learning_rate",
    "batch_size",
    "activation",
    "beta_warmup",
    "free_bits",
    "width",
    "depth",
    "channels",
    "blocks",
    "dense",
]


class _Dimension(BaseModel):
    """What all kinds share."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Name
    when: Annotated[dict[str, Value], Strict(False)] = Field(default_factory=dict)

    def applies(self, chosen: Mapping[str, Value]) -> bool:
        """Whether the dimension has a meaning beside the values chosen so far."""
        return all(chosen.get(name) == value for name, value in self.when.items())


class IntRange(_Dimension):
    """Whole numbers from ``low`` to ``high``, both included."""

    kind: Literal["int"]
    low: Annotated[int, Field(ge=1)]
    high: int
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _require_order(self.low, self.high)
        return self


class FloatRange(_Dimension):
    """Numbers from ``low`` to ``high``, both included."""

    kind: Literal["float"]
    low: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    high: Annotated[float, Field(allow_inf_nan=False)]
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.log and self.low == 0:
            raise ValueError("low = 0 has no logarithm; raise it, or set log: false")
        _require_order(self.low, self.high)
        return self


class Choice(_Dimension):
    """One of several values."""

    kind: Literal["categorical"]
    choices: Many[Value] = Field(min_length=1)

    @model_validator(mode="after")
    def _no_repeats(self) -> Self:
        if len(set(self.choices)) < len(self.choices):
            raise ValueError(f"choices = {list(self.choices)} must not name a value twice")
        return self


Dimension = Annotated[IntRange | FloatRange | Choice, Field(discriminator="kind")]


def _require_order(low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"low <= high must hold, but got low = {low:g}, high = {high:g}")


def require_consistent(space: tuple[Dimension, ...]) -> None:
    """Names once each, and conditions on choices that come before.

    Raises:
        ValueError: naming the dimension and the rule.
    """
    seen: dict[str, Dimension] = {}
    for dimension in space:
        if dimension.name in seen:
            raise ValueError(f"{dimension.name} must not be named twice")
        for name, value in dimension.when.items():
            condition = seen.get(name)
            if not isinstance(condition, Choice):
                raise ValueError(
                    f"{dimension.name}: when names {name}, which must be a categorical dimension "
                    "that comes before it"
                )
            if value not in condition.choices:
                raise ValueError(
                    f"{dimension.name}: when asks for {name} = {value}, which is not one of its "
                    f"choices {', '.join(map(str, condition.choices))}"
                )
        seen[dimension.name] = dimension

"""The search space: each hyperparameter's range or choices, and when it applies.

Free of torch and Optuna; mapping it to a sampler is left to the search.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from pipeline.settings.base import FiniteNonNegative, SettingsSection, TupleOf

Value = int | float | str

# What can be searched. The last five set a model's layer widths by a few numbers, which samplers
# handle better than lists.
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


class _Dimension(SettingsSection):
    """The fields that all kinds share."""

    name: Name
    when: Annotated[dict[str, Value], Strict(False)] = Field(default_factory=dict)


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
    low: FiniteNonNegative
    high: Annotated[float, Field(allow_inf_nan=False)]
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.log and self.low == 0:
            raise ValueError("low = 0 has no logarithm; increase it, or set log: false")
        _require_order(self.low, self.high)
        return self


class Choice(_Dimension):
    """One of several values."""

    kind: Literal["categorical"]
    choices: TupleOf[Value] = Field(min_length=1)

    @model_validator(mode="after")
    def _no_duplicates(self) -> Self:
        if len(set(self.choices)) < len(self.choices):
            raise ValueError(f"choices = {list(self.choices)} must not contain duplicates")
        return self


Dimension = Annotated[IntRange | FloatRange | Choice, Field(discriminator="kind")]


def _require_order(low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"low <= high must hold, but got low = {low:g}, high = {high:g}")


def require_consistent(space: tuple[Dimension, ...]) -> None:
    """Check that names are unique, and that conditions refer to earlier choices.

    Raises:
        ValueError: naming the dimension and the rule.
    """
    earlier: dict[str, Dimension] = {}
    for dimension in space:
        if dimension.name in earlier:
            raise ValueError(f"{dimension.name} must not appear twice")
        for name, value in dimension.when.items():
            condition = earlier.get(name)
            if not isinstance(condition, Choice):
                raise ValueError(
                    f"{dimension.name}: when refers to {name}, which must be a categorical "
                    "dimension that comes before it"
                )
            if value not in condition.choices:
                raise ValueError(
                    f"{dimension.name}: when requires {name} = {value}, which is not one of its "
                    f"choices {', '.join(map(str, condition.choices))}"
                )
        earlier[dimension.name] = dimension

"""How large the models are that the settings describe, found without building them.

Sizes are counted as ``pipeline.models`` lays its layers out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pipeline.settings.data import SIDE
from pipeline.settings.evaluate import JudgeSettings
from pipeline.settings.params import Settings
from pipeline.settings.shown import show
from pipeline.settings.space import Choice, Dimension, Value, from_value
from pipeline.settings.train import RunSettings

MOST_MEMORY = 16e9  # bytes for training one model: a billion parameters, or large batches
MOST_IMAGES = 60_000  # in a batch: no data set has more for training

FLOAT = 4  # bytes
COPIES = 4  # of the parameters while training: values, gradients, two moments of the optimiser
PASSES = 3  # of a layer's outputs: before and after the activation, and the gradient

KERNEL_AREA = 16  # of a convolution


@dataclass(frozen=True, slots=True)
class ModelSize:
    """The size of a model.

    Attributes:
        parameters: number of trainable parameters.
        outputs: number of outputs of all layers for one image.
    """

    parameters: int
    outputs: int

    def training_memory(self, batch_size: int) -> float:
        """Estimate how many bytes a training step takes."""
        batch = min(batch_size, MOST_IMAGES)
        return FLOAT * (COPIES * self.parameters + PASSES * batch * self.outputs)


def model_size(run: RunSettings, height: int, width: int) -> ModelSize:
    """Return the size of a run's model of images with this height and width.

    Raises:
        ValueError: if the images are too small for the number of stride-2 blocks.
    """
    if run.architecture == "linear":
        return _both_ways(height * width, run.hidden, run.latent_dim)
    most = min(height, width).bit_length() - 1
    if len(run.channels) > most:
        raise ValueError(
            f"channels = {show(run.channels)} makes {len(run.channels)} stride-2 blocks, but "
            f"{height}x{width} images allow at most {most}"
        )
    pixels = [(height >> block) * (width >> block) for block in range(len(run.channels) + 1)]
    features = run.channels[-1] * pixels[-1]
    dense = _both_ways(features, run.conv_hidden, run.latent_dim)
    channels = [1, *run.channels]
    weights = sum(2 * KERNEL_AREA * narrow * wide for narrow, wide in pairwise(channels))
    biases = sum(channels[1:]) + sum(channels[:-1])
    outputs = sum(one * area for one, area in zip(channels, pixels, strict=True))
    return ModelSize(dense.parameters + weights + biases, dense.outputs + 2 * outputs)


def _both_ways(inputs: int, widths: Sequence[int], latent_dim: int) -> ModelSize:
    """The affine maps from the inputs to the code's mean and variance, and back from the code."""
    chains = ([inputs, *widths, 2 * latent_dim], [latent_dim, *reversed(widths), inputs])
    return ModelSize(
        sum((narrow + 1) * wide for chain in chains for narrow, wide in pairwise(chain)),
        sum(map(sum, chains)),
    )


def judge_size(settings: JudgeSettings, side: int) -> ModelSize:
    """Return the size of the judge of images with this height and width; see ``Judge``."""
    parameters = outputs = 0
    for place, (narrow, wide) in enumerate(pairwise((1, *settings.channels))):
        kernel = 3 if place else 5
        parameters += kernel**2 * narrow * wide + 2 * wide
        outputs += wide * side**2
        side = (side + 1) // 2
    features = settings.channels[-1] * side**2
    parameters += (features + 2) * settings.feature_dim
    return ModelSize(parameters, outputs + features + settings.feature_dim)


def require_trainable(run: RunSettings, height: int, width: int) -> None:
    """Check that a run's model can be built for these images, and trained in limited memory.

    Raises:
        ValueError: if it cannot.
    """
    size = model_size(run, height, width)
    _require_memory(f"a {run.architecture} model", size, run.batch_size)


def _require_memory(what: str, size: ModelSize, batch_size: int) -> None:
    memory = size.training_memory(batch_size)
    if memory > MOST_MEMORY:
        raise ValueError(
            f"{what} of {size.parameters:,} parameters takes {memory / 1e9:,.0f} GB of memory in "
            f"batches of {batch_size:,} images, but may take {MOST_MEMORY / 1e9:.0f}; choose "
            "smaller layers or batches"
        )


def require_sizes(settings: Settings) -> None:
    """Check that every model of the grid and of the search, and the judge, can be trained.

    Raises:
        ValueError: naming the section and the first model that cannot.
    """
    grid = settings.train.grid
    base = next(iter(settings.runs.values()))
    largest = base.model_copy(update={"latent_dim": max(grid.latent_dims)})
    runs = [
        ("train.model", largest.model_copy(update={"architecture": architecture}))
        for architecture in grid.architectures
    ]
    runs += [("search.space", run) for run in largest_runs(settings.search.space, base)]
    for section, run in runs:
        try:
            require_trainable(run, SIDE, SIDE)
        except ValueError as error:
            raise ValueError(f"{section}: {error}") from None
    judge = settings.judge
    _require_memory("judge: a classifier", judge_size(judge, SIDE), judge.batch_size)


def largest_runs(space: tuple[Dimension, ...], base: RunSettings) -> Iterator[RunSettings]:
    """Yield the largest runs of a search space: one per architecture and list of its widths.

    Each number has its largest value, whatever its other conditions.
    """
    architectures: list[Any] = [base.architecture]
    for dimension in space:
        if dimension.name == "architecture" and isinstance(dimension, Choice):
            architectures = list(dimension.choices)
    for architecture in architectures:
        own: dict[str, Dimension] = {
            one.name: one
            for one in space
            if one.when.get("architecture", architecture) == architecture
        }
        yield from _largest(own, base.model_copy(update={"architecture": architecture}))


def _largest(own: dict[str, Dimension], base: RunSettings) -> Iterator[RunSettings]:
    """Yield the largest runs of one architecture, from the dimensions that apply to it."""

    def number(name: str, otherwise: int) -> int:
        return max(_numbers(own[name]), default=otherwise) if name in own else otherwise

    base = base.model_copy(
        update={name: number(name, getattr(base, name)) for name in ("latent_dim", "batch_size")}
    )
    if base.architecture == "linear":
        lists = _lists(own.get("hidden"))
        if {"width", "depth"} & own.keys():
            width = number("width", base.hidden[0] if base.hidden else 400)
            lists = [(width,) * number("depth", len(base.hidden) or 1)]
        for hidden in lists or [base.hidden]:
            yield base.model_copy(update={"hidden": hidden})
        return
    dense = [(number("dense", 0),)] if "dense" in own else _lists(own.get("conv_hidden"))
    lists = _lists(own.get("channels"))
    if {"channels", "blocks"} & own.keys() and not lists:
        first = number("channels", base.channels[0])
        lists = [tuple(first << k for k in range(number("blocks", len(base.channels))))]
    largest = _largest_after(dense or [base.conv_hidden], base)
    for channels in lists or [base.channels]:
        features = channels[-1] * (SIDE >> len(channels)) ** 2
        yield base.model_copy(update={"channels": channels, "conv_hidden": largest(features)})


def _largest_after(
    lists: Sequence[tuple[int, ...]], base: RunSettings
) -> Callable[[int], tuple[int, ...]]:
    """Return a function from a number of features to the dense layers that then take most memory.

    Memory is linear in the number of features. So only lists are compared of which none takes more
    memory both without any features and per feature: few among thousands.
    """

    def memory(widths: tuple[int, ...], features: int) -> float:
        size = _both_ways(features, widths, base.latent_dim)
        return size.training_memory(base.batch_size)

    terms = ((memory(one, 0), memory(one, 1) - memory(one, 0), one) for one in lists)
    compared: list[tuple[float, float, tuple[int, ...]]] = []
    for term in sorted(terms, reverse=True):
        if not compared or term[1] > compared[-1][1]:
            compared.append(term)
    return lambda features: max(compared, key=lambda term: term[0] + features * term[1])[2]


def _numbers(dimension: Dimension) -> list[int]:
    values: list[Value] = (
        list(dimension.values) if isinstance(dimension, Choice) else [dimension.high]
    )
    return [int(value) for value in values if isinstance(value, int | float)]


def _lists(dimension: Dimension | None) -> list[tuple[int, ...]]:
    if not isinstance(dimension, Choice):
        return []
    return [tuple(one) for one in map(from_value, dimension.values) if isinstance(one, list)]

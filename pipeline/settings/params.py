"""Every section of params.yaml as a frozen, checked type: the one place that knows the rules.

Free of torch, so that commands and the analysis start at once.
"""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.errors import UserError
from pipeline.settings.explain import describe
from pipeline.settings.space import Dimension, Many, require_consistent

DataName = Literal["mnist-5k", "mnist", "fashion-mnist"]
Architecture = Literal["linear", "conv"]
Activation = Literal["silu", "relu", "tanh"]
Likelihood = Literal["bernoulli", "continuous-bernoulli", "gaussian"]
Binarisation = Literal["none", "dynamic", "static"]
Schedule = Literal["one-cycle", "cosine", "constant"]
Checkpoint = Literal["last", "best"]
Precision = Literal["float32", "bfloat16"]
Device = Literal["cpu", "cuda"]
Objective = Literal["elbo", "nll", "rate-distortion"]
Sampler = Literal["tpe", "random", "qmc", "grid", "gp"]
Pruner = Literal["median", "percentile", "hyperband", "none"]

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
LatentDim = Annotated[int, Field(ge=1, le=512)]
Beta = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class SettingsError(UserError):
    """A settings file that cannot be used: names file, key, value and rule."""


class Section(BaseModel):
    """Base of all settings: frozen, every key required, no other key, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DataSettings(Section):
    """Section ``data``: which images, and how they are split."""

    name: DataName
    root: str | None
    download: bool
    valid_fraction: Fraction
    test_fraction: Fraction
    seed: Seed

    @property
    def likelihood(self) -> Likelihood:
        """What ``train.model.likelihood: auto`` means for this data set."""
        return "continuous-bernoulli" if self.name == "fashion-mnist" else "bernoulli"


class GridSettings(Section):
    """Section ``train.grid``: one training run for each combination."""

    architectures: Many[Architecture] = Field(min_length=1)
    latent_dims: Many[LatentDim] = Field(min_length=1)
    betas: Many[Beta] = Field(min_length=1)
    seeds: Many[Seed] = Field(min_length=1)

    @model_validator(mode="after")
    def _no_repeats(self) -> Self:
        for name in ("architectures", "latent_dims", "betas", "seeds"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name} = {list(values)} must not name a value twice")
        return self


class ModelSettings(Section):
    """Section ``train.model``: what all models of the grid share."""

    hidden: Many[Positive]
    channels: Many[Positive] = Field(min_length=1)
    conv_hidden: Many[Positive]
    activation: Activation
    likelihood: Likelihood | Literal["auto"]
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["learned"]


class TrainSettings(Section):
    """Section ``train``: the grid, its models and how each is trained."""

    grid: GridSettings
    hyperparameters: Literal["fixed", "searched"]
    model: ModelSettings
    binarisation: Binarisation | Literal["auto"]
    epochs: Positive
    batch_size: Positive
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    schedule: Schedule
    beta_warmup: Annotated[int, Field(ge=0)]
    free_bits: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    clip_norm: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
    patience: Positive | None
    checkpoint: Checkpoint
    precision: Precision | Literal["auto"]
    device: Device | Literal["auto"]


class JudgeSettings(Section):
    """Section ``judge``: the classifier that judges what models draw."""

    channels: Many[Positive] = Field(min_length=1)
    feature_dim: Annotated[int, Field(ge=64)]
    steps: Positive
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    rotation: Annotated[float, Field(ge=0, le=180)]
    scaling: Annotated[float, Field(ge=0, lt=1)]
    shift: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    samples: Positive
    seed: Seed

    @model_validator(mode="after")
    def _enough_samples(self) -> Self:
        if self.samples < 10 * self.feature_dim:
            raise ValueError(
                f"samples = {self.samples} must be at least 10 for each of feature_dim = "
                f"{self.feature_dim}, or the distances say little"
            )
        return self


class EvaluateSettings(Section):
    """Section ``evaluate``: how the test split is measured and what is drawn."""

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


class AnalyzeSettings(Section):
    """Section ``analyze``: the report."""

    confidence: Fraction


class SearchSettings(Section):
    """Section ``search``: what the search varies, and how it decides."""

    trials: Positive
    objective: Objective
    sampler: Sampler
    pruner: Pruner
    ahead: Positive
    replicates: Positive
    epochs: Positive
    seed: Seed
    space: Many[Dimension] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_consistent(self.space)
        return self


class RunSettings(Section):
    """All that decides one training run: a point of the grid with everything ``auto`` resolved.

    Precision and device stay as asked for: only the machine that trains can resolve them.
    """

    architecture: Architecture
    latent_dim: LatentDim
    beta: Beta
    seed: Seed
    hidden: Many[Positive]
    channels: Many[Positive]
    conv_hidden: Many[Positive]
    activation: Activation
    likelihood: Likelihood
    scale: Annotated[float, Field(gt=0)] | Literal["learned"]
    binarisation: Binarisation
    epochs: Positive
    batch_size: Positive
    learning_rate: Annotated[float, Field(gt=0)]
    schedule: Schedule
    beta_warmup: Annotated[int, Field(ge=0)]
    free_bits: Annotated[float, Field(ge=0)]
    clip_norm: Annotated[float, Field(gt=0)] | None
    patience: Positive | None
    checkpoint: Checkpoint
    precision: Precision | Literal["auto"]
    device: Device | Literal["auto"]


class Settings(Section):
    """The whole of params.yaml."""

    data: DataSettings
    search: SearchSettings
    train: TrainSettings
    judge: JudgeSettings
    evaluate: EvaluateSettings
    analyze: AnalyzeSettings

    @property
    def likelihood(self) -> Likelihood:
        """Of all models of the grid, with ``auto`` resolved."""
        asked = self.train.model.likelihood
        return self.data.likelihood if asked == "auto" else asked

    @cached_property
    def runs(self) -> dict[str, RunSettings]:
        """Every run of the grid by its folder under ``models/``, in the grid's order.

        ``linear-2/seed-0``; where the grid varies beta, ``linear-2/beta-4-seed-0``.
        """
        return {run_name(run, self.train.grid): run for run in self._grid()}

    def _grid(self) -> Iterator[RunSettings]:
        train = self.train
        shared = (
            train.model_dump(exclude={"grid", "hyperparameters", "model"})
            | train.model.model_dump()
        )
        shared["likelihood"] = self.likelihood
        if shared["binarisation"] == "auto":
            # The two densities are of grey pixels; on 0 and 1 they grow without bound.
            shared["binarisation"] = "dynamic" if self.likelihood == "bernoulli" else "none"
        for architecture in train.grid.architectures:
            for latent_dim in train.grid.latent_dims:
                for beta in train.grid.betas:
                    for seed in train.grid.seeds:
                        yield RunSettings(
                            architecture=architecture,
                            latent_dim=latent_dim,
                            beta=beta,
                            seed=seed,
                            **shared,
                        )


def cell_name(architecture: str, latent_dim: int) -> str:
    """``linear-2``: the folder of all runs of one architecture and latent size."""
    return f"{architecture}-{latent_dim}"


def plain(number: float) -> str:
    """The shortest text that reads back as the number: ``4``, ``0.5``."""
    return repr(number).removesuffix(".0")


def run_name(run: RunSettings, grid: GridSettings) -> str:
    """The run's folder under ``models/`` and ``results/``; names beta where the grid varies it."""
    beta = f"beta-{plain(run.beta)}-" if len(grid.betas) > 1 else ""
    return f"{cell_name(run.architecture, run.latent_dim)}/{beta}seed-{run.seed}"


def load_settings(path: Path | str = "params.yaml") -> Settings:
    """Read and check a settings file.

    Raises:
        SettingsError: naming the file, the key, its value and the rule that it breaks.
    """
    path = Path(path)
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"{path}: no such file; run in the project's root, or restore it with "
            f"`git checkout {path.name}`"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    except YAMLError as error:
        raise SettingsError(f"{path}: is not valid YAML: {_yaml_problem(error)}") from None
    return parse_settings(content, str(path))


def override(content: dict[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Settings with single values changed, as `-S section.key=value` says; values are YAML.

    Raises:
        SettingsError: if an assignment cannot be read. Whether a key is known, is checked later.
    """
    changed = deepcopy(content)
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        *sections, key = path.strip().split(".")
        where: Any = changed
        for section in sections:
            where = where.get(section) if isinstance(where, dict) else None
        if not equals or not sections or not isinstance(where, dict):
            raise SettingsError(
                f"-S {assignment}: must be section.key=value, such as train.clip_norm=5"
            )
        try:
            where[key] = YAML(typ="safe", pure=True).load(text)
        except YAMLError as error:
            raise SettingsError(
                f"-S {assignment}: the value is not valid YAML: {_yaml_problem(error)}"
            ) from None
    return changed


def parse_settings(content: object, source: str = "params.yaml") -> Settings:
    """Check settings that were read already; ``source`` names them in messages.

    Raises:
        SettingsError: naming the source, the key, its value and the rule that it breaks.
    """
    if not isinstance(content, dict):
        raise SettingsError(f"{source}: must hold the sections {', '.join(Settings.model_fields)}")
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        raise SettingsError(f"{source}: {describe(error, Settings)}") from None
    _check_together(settings, source)
    return settings


def _check_together(settings: Settings, source: str) -> None:
    """Rules that span sections."""
    train = settings.train
    if train.beta_warmup > train.epochs:
        raise SettingsError(
            f"{source}: train.beta_warmup = {train.beta_warmup} must not exceed "
            f"train.epochs = {train.epochs}"
        )
    if settings.likelihood != "bernoulli" and train.binarisation not in ("auto", "none"):
        raise SettingsError(
            f"{source}: train.binarisation = {train.binarisation!r} makes pixels 0 or 1, but the "
            f"likelihood {settings.likelihood} is a density of grey pixels; set binarisation to "
            "auto or none, or train.model.likelihood to bernoulli"
        )
    data = settings.data
    if data.name == "mnist-5k" and data.valid_fraction + data.test_fraction >= 1:
        raise SettingsError(
            f"{source}: data.valid_fraction + data.test_fraction = "
            f"{data.valid_fraction + data.test_fraction:g} must be less than 1, to leave images "
            "to train on"
        )
    if data.name == "mnist-5k" and (data.root is not None or data.download):
        key = "data.root" if data.root is not None else "data.download"
        raise SettingsError(
            f"{source}: {key} has no meaning for mnist-5k, which is embedded; "
            "set it to null or false, or choose data.name mnist or fashion-mnist"
        )


def _yaml_problem(error: YAMLError) -> str:
    """The parser's complaint on one line."""
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    mark = getattr(error, "problem_mark", None)
    return f"{problem} in line {mark.line + 1}" if mark else str(problem)

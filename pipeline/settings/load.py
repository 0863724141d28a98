"""Read params.yaml, override single values, and check the rules that span sections."""

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.errors import cut
from pipeline.files import read_at_most
from pipeline.settings.base import SettingsError
from pipeline.settings.explain import explain_error
from pipeline.settings.params import Settings
from pipeline.settings.sizes import require_sizes


def load_settings(path: Path | str = "params.yaml") -> Settings:
    """Read and check a settings file.

    Raises:
        SettingsError: if the file cannot be read or breaks a rule.
    """
    # Imported here: the parser takes as long as all settings, which many import and few load.
    from pipeline.settings.plain_yaml import MOST_BYTES, PlainYamlError, parse_yaml

    path = Path(path)
    try:
        content = parse_yaml(read_at_most(path, MOST_BYTES).decode())
    except FileNotFoundError:
        raise SettingsError(
            f"{path}: no such file; run in the project's root, or restore it with "
            f"`git checkout {path.name}`"
        ) from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path}: line {line} is not UTF-8; save the file as UTF-8") from None
    except PlainYamlError as error:
        raise SettingsError(f"{path}: {error}") from None
    return parse_settings(content, str(path))


def parse_settings(content: object, source: str = "params.yaml") -> Settings:
    """Check settings that have been read already.

    Args:
        content: the parsed YAML.
        source: where it comes from, for error messages.

    Raises:
        SettingsError: if a rule is broken.
    """
    if not isinstance(content, dict):
        sections = ", ".join(Settings.model_fields)
        raise SettingsError(f"{source}: must have the sections {sections}")
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        raise SettingsError(f"{source}: {explain_error(error, Settings)}") from None
    _check_across_sections(settings, source)
    return settings


def override(content: dict[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Return settings with single values changed.

    Args:
        content: the settings as plain data; not changed itself.
        assignments: each ``section.key=value``, as for ``-S``; values are YAML.

    Raises:
        SettingsError: if an assignment cannot be parsed. Unknown keys are left to
            ``parse_settings``.
    """
    from pipeline.settings.plain_yaml import PlainYamlError, parse_yaml

    changed = deepcopy(content)
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        *sections, key = path.strip().split(".")
        parent: Any = changed
        for section in sections:
            parent = parent.get(section) if isinstance(parent, dict) else None
        if not equals or not sections or not isinstance(parent, dict):
            raise SettingsError(
                f"-S {cut(assignment, 60)}: must be section.key=value, such as train.clip_norm=5"
            )
        try:
            parent[key] = parse_yaml(text)
        except PlainYamlError as error:
            raise SettingsError(f"-S {cut(assignment, 60)}: {error}") from None
    return changed


def _check_across_sections(settings: Settings, source: str) -> None:
    data, train = settings.data, settings.train
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
    try:
        require_sizes(settings)
    except ValueError as error:
        raise SettingsError(f"{source}: {error}") from None
    if data.name != "mnist-5k":
        return
    if data.valid_fraction + data.test_fraction >= 1:
        raise SettingsError(
            f"{source}: data.valid_fraction + data.test_fraction = "
            f"{data.valid_fraction + data.test_fraction:g} must be less than 1, to leave images "
            "for training"
        )
    if data.root is not None or data.download:
        key = "data.root" if data.root is not None else "data.download"
        raise SettingsError(
            f"{source}: {key} has no effect on mnist-5k, which ships with a package; set it to "
            "null or false, or set data.name to mnist or fashion-mnist"
        )

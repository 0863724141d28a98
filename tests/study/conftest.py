"""A search that takes seconds."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

SPACE: list[dict[str, Any]] = [
    {"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"]},
    {"name": "latent_dim", "kind": "int", "low": 2, "high": 8},
    {"name": "beta", "kind": "float", "low": 0.5, "high": 2.0, "log": True},
    {"name": "width", "kind": "int", "low": 8, "high": 32, "when": {"architecture": "linear"}},
    {
        "name": "channels",
        "kind": "categorical",
        "choices": [4, 8],
        "when": {"architecture": "conv"},
    },
]


@pytest.fixture
def searchable(project: Path) -> Path:
    """The small project of the other tests, with a space that fits it."""
    change_search(project, epochs=3, space=SPACE)
    return project


def change_search(project: Path, **values: Any) -> None:
    yaml = YAML(typ="safe", pure=True)
    content = yaml.load(project / "params.yaml")
    content["search"] |= values
    yaml.dump(content, project / "params.yaml")

"""The package's metadata: everything imported is declared, and all versions agree."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from ruamel.yaml import YAML

from tests.conftest import ROOT

PACKAGES = ("pipeline", "study", "analysis")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REQUIREMENTS = {
    canonicalize_name(requirement.name): requirement
    for requirement in map(Requirement, PROJECT["dependencies"])
}


def imported_modules() -> set[str]:
    """Top-level names of the third-party modules that the three packages import anywhere."""
    names: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names.add(node.module)
                elif isinstance(node, ast.Import):
                    names |= {alias.name for alias in node.names}
    # ruamel is a namespace that several distributions share
    tops = {name if name.startswith("ruamel.") else name.split(".")[0] for name in names}
    tops = {".".join(name.split(".")[:2]) for name in tops}
    return tops - set(sys.stdlib_module_names) - set(PACKAGES)


def distributions_of(module: str) -> set[str]:
    """The installed distributions that provide a module."""
    return {canonicalize_name(name) for name in providers().get(module, [module])}


@cache
def providers() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def pins() -> dict[str, Version]:
    text = (ROOT / "constraints.txt").read_text("utf-8")
    found = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([^ ;\\]+)", text, flags=re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in found}


@pytest.mark.parametrize("module", sorted(imported_modules()))
def test_every_imported_module_is_a_declared_dependency(module: str) -> None:
    assert distributions_of(module) & set(REQUIREMENTS)


def test_every_dependency_is_imported() -> None:
    used = set().union(*(distributions_of(module) for module in imported_modules()))
    assert set(REQUIREMENTS) <= used


def test_every_pin_satisfies_its_requirement() -> None:
    extras = PROJECT["optional-dependencies"]
    pinned = pins()
    for text in (*PROJECT["dependencies"], *extras["dev"], *extras["postgres"]):
        requirement = Requirement(text)
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier, text


def test_versions_agree() -> None:
    citation = YAML(typ="safe", pure=True).load((ROOT / "CITATION.cff").read_text("utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"^## (\S+) \((\S+)\)$", changelog, flags=re.MULTILINE)
    assert newest is not None
    assert newest.groups() == (PROJECT["version"], str(citation["date-released"]))
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]

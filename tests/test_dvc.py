"""dvc.yaml names every folder of code that a stage runs, and nothing that it does not."""

import ast
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT

PACKAGES = ("pipeline", "analysis", "study")
PIPELINE: dict[str, Any] = YAML(typ="safe", pure=True).load(
    (ROOT / "dvc.yaml").read_text(encoding="utf-8")
)


def module_of(command: str) -> Path:
    """The file that `python -m MODULE` runs."""
    path = ROOT / command.split()[2].replace(".", "/")
    return path / "__main__.py" if path.is_dir() else path.with_suffix(".py")


def imported(path: Path) -> set[Path]:
    """Our own modules that a file imports, at its top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    own = {name for name in names if name.split(".")[0] in PACKAGES}
    paths = [ROOT / name.replace(".", "/") for name in own]
    files = [path / "__init__.py" if path.is_dir() else path.with_suffix(".py") for path in paths]
    # A folder's face hands on what lies below it; a face without imports is no code.
    return {file for file in files if file.is_file() and "import" in file.read_text("utf-8")}


def closure(start: Path) -> set[str]:
    found: set[Path] = set()
    todo = {start}
    while todo:
        path = todo.pop()
        found.add(path)
        todo |= imported(path) - found
    return {path.relative_to(ROOT).as_posix() for path in found}


def covers(dep: str, file: str) -> bool:
    return file == dep or file.startswith(f"{dep}/")


@pytest.mark.parametrize("stage", PIPELINE["stages"])
def test_a_stage_depends_on_all_its_code_and_no_other(stage: str) -> None:
    described = PIPELINE["stages"][stage]
    code = {dep for dep in described["deps"] if dep.split("/")[0] in PACKAGES}
    needed = closure(module_of(described["cmd"]))
    assert {file for file in needed if not any(covers(dep, file) for dep in code)} == set()
    assert {dep for dep in code if not any(covers(dep, file) for file in needed)} == set()


def test_records_are_no_outputs() -> None:
    """DVC deletes outputs before a stage runs; records must outlive that."""
    text = "".join(str(stage.get("outs", [])) for stage in PIPELINE["stages"].values())
    assert "mlflow" not in text
    assert "mlruns" not in text
    assert "study.db" not in text


def test_every_output_is_ignored_by_git() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for stage in PIPELINE["stages"].values():
        for out in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
            path = next(iter(out)) if isinstance(out, dict) else out
            assert f"/{path.split('/')[0]}/" in ignored

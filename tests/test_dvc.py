"""dvc.yaml lists every folder of code that a stage runs, and no others."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import modify_yaml
from ruamel.yaml import YAML

from tests.imports import PACKAGES, ROOT, closure

PIPELINE: dict[str, Any] = YAML(typ="safe", pure=True).load(
    (ROOT / "dvc.yaml").read_text(encoding="utf-8")
)

# What a stage runs in processes of its own, which no import shows.
STARTED = {"search": ("study/workers/worker.py",)}


def module_of(command: str) -> Path:
    """Return the file that `python -m MODULE` runs."""
    path = ROOT / command.split()[2].replace(".", "/")
    return path / "__main__.py" if path.is_dir() else path.with_suffix(".py")


def covers(dep: str, file: str) -> bool:
    return file == dep or file.startswith(f"{dep}/")


@pytest.mark.parametrize("stage", PIPELINE["stages"])
def test_a_stage_depends_on_all_its_code_and_no_other(stage: str) -> None:
    described = PIPELINE["stages"][stage]
    code = {dep for dep in described["deps"] if dep.split("/")[0] in PACKAGES}
    needed = closure(module_of(described["cmd"])).union(
        *(closure(ROOT / module) for module in STARTED.get(stage, ()))
    )
    assert {file for file in needed if not any(covers(dep, file) for dep in code)} == set()
    assert {dep for dep in code if not any(covers(dep, file) for file in needed)} == set()


def test_an_experiment_changes_nothing_else_in_the_settings(tmp_path: Path) -> None:
    """`dvc exp run -S` writes the whole file in a form of its own, which should be this one."""
    copy = tmp_path / "params.yaml"
    before = (ROOT / "params.yaml").read_text(encoding="utf-8")
    copy.write_text(before, encoding="utf-8")
    with modify_yaml(str(copy)) as content:
        content["train"]["epochs"] = 5
    changed = [
        (old, new)
        for old, new in zip(before.splitlines(), copy.read_text().splitlines(), strict=True)
        if old != new
    ]
    assert [new.split("#")[0].strip() for _, new in changed] == ["epochs: 5"]


def test_records_are_no_outputs() -> None:
    """DVC deletes outputs before a stage runs, but records must be kept."""
    text = "".join(str(stage.get("outs", [])) for stage in PIPELINE["stages"].values())
    assert "mlflow" not in text
    assert "mlruns" not in text
    assert "study.db" not in text


def test_what_a_stage_brings_up_to_date_persists() -> None:
    """DVC deletes other outputs before the stage can check whether they are up to date."""
    persistent = {
        "prepare": {"data/prepared.safetensors", "data/prepared.json"},
        "judge": {"judge/model.safetensors", "judge/judge.json"},
        "train": {"models"},
        "evaluate": {"results/runs"},
        "analyze": {"reports"},
    }
    for stage, paths in persistent.items():
        outs = PIPELINE["stages"][stage]["outs"]
        assert {path for out in outs for path, how in out.items() if how["persist"]} == paths


def test_every_output_is_ignored_by_git() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for stage in PIPELINE["stages"].values():
        for out in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
            path = next(iter(out)) if isinstance(out, dict) else out
            assert f"/{path.split('/')[0]}/" in ignored


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty repository with this project's rules on what DVC sees."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    shutil.copytree(ROOT / ".dvc", tmp_path / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    shutil.copy(ROOT / ".dvcignore", tmp_path)
    return tmp_path


LEFT_BEHIND = [
    ".DS_Store",
    "._seed-0",
    "Thumbs.db",
    "desktop.ini",
    "Desktop.ini",
    ".directory",
    ".nfs000000012",
    ".fuse_hidden0001",
    "loop.py~",
    ".loop.py.swp",
    ".loop.py.swo",
    ".#loop.py",
    "#loop.py#",
    "loop.py.orig",
    ".ipynb_checkpoints/loop-checkpoint.py",
    ".idea/workspace.xml",
    ".vscode/settings.json",
    "__pycache__/loop.cpython-311.pyc",
    ".partial-12-seed-0/config.json",
]
OURS = ["seed-0/config.json", "history.csv", "__init__.py", "model.safetensors", "index.html"]


def test_dvc_ignores_what_systems_and_editors_leave_and_nothing_of_ours(repository: Path) -> None:
    """Otherwise such a file would run a stage again, or enter the cache."""
    folders = ("models/linear-2", "results/cells", "pipeline/training", "data", "reports")
    ignored = [f"{folder}/{name}" for folder in folders for name in LEFT_BEHIND]
    seen = [f"{folder}/{name}" for folder in folders for name in OURS]
    dvc = [sys.executable, "-m", "dvc", "check-ignore", *ignored, *seen]
    done = subprocess.run(dvc, cwd=repository, capture_output=True, text=True)
    assert done.stdout.splitlines() == ignored, done.stderr

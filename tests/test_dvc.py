"""dvc.yaml lists every folder of code that a stage runs, and no others."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.imports import PACKAGES, ROOT, closure

PIPELINE: dict[str, Any] = YAML(typ="safe", pure=True).load(
    (ROOT / "dvc.yaml").read_text(encoding="utf-8")
)


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
    needed = closure(module_of(described["cmd"]))
    assert {file for file in needed if not any(covers(dep, file) for dep in code)} == set()
    assert {dep for dep in code if not any(covers(dep, file) for file in needed)} == set()


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

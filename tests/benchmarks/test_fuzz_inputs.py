"""A share of the damaged settings and files of `make fuzz`: refused in one line, or accepted."""

import itertools
import shutil
import traceback
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from benchmarks.fuzz import files, settings
from benchmarks.fuzz.case import Case
from pipeline.data.prepared import PreparedData, save_prepared
from pipeline.stages import prepare
from study.cli import main
from tests.conftest import make_tiny_params

INPUTS = {settings: 30, files: 10}


@pytest.fixture
def small(tmp_path: Path, prepared: PreparedData, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings and prepared data, which each input finds anew in the current folder."""
    folder = tmp_path / "small"
    save_prepared(folder / "data" / "prepared.safetensors", prepared)
    YAML(typ="safe", pure=True).dump(make_tiny_params(), folder / "params.yaml")
    (tmp_path / "copy").mkdir()
    monkeypatch.chdir(tmp_path / "copy")
    return folder


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("module", INPUTS)
def test_an_input_is_taken_or_refused_in_one_line(module: ModuleType, small: Path) -> None:
    stream = itertools.islice(module.cases(Random(20), small), INPUTS[module])
    for number, case in enumerate(stream):
        assert found_wrong(case, small) == "", f"{number}: {case.kind}"


def found_wrong(case: Case, small: Path) -> str:
    """What is wrong with how a command takes an input; empty if nothing is."""
    for path in Path.cwd().iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(small, Path.cwd(), dirs_exist_ok=True)
    for name, payload in case.files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(payload)
    before = content(Path.cwd())
    stage = case.command[0] == "prepare"
    words = case.command[1:] if stage else case.command
    result = CliRunner().invoke(prepare.main if stage else main, list(words))
    if result.exception and not isinstance(result.exception, SystemExit):
        return "".join(traceback.format_exception(result.exception))
    if result.exit_code not in ({0, 2} if case.valid is None else {0} if case.valid else {2}):
        return f"status {result.exit_code}: {result.output}"
    if result.exit_code == 2 and len(result.stderr.splitlines()) != 1:
        return result.stderr
    return "" if content(Path.cwd()) == before else "files were written"

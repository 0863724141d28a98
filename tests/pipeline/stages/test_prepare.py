"""The stage ``prepare`` as DVC calls it."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from pipeline.data.prepared import load_prepared
from pipeline.data.sources.idx import IDX_SETS
from pipeline.stages.prepare import main
from tests.imports import ROOT

PARAMS = ROOT / "params.yaml"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """Run the stage with changes to section ``data`` of the repository's settings."""

    def run(out: str = "prepared.safetensors", **changes: object) -> Result:
        content = YAML(typ="safe", pure=True).load(PARAMS)
        content["data"] |= changes
        params = tmp_path / "params.yaml"
        params.write_text(json.dumps(content))  # JSON is YAML too
        arguments = ["--params", str(params), "--out", str(tmp_path / out)]
        return CliRunner().invoke(main, arguments)

    return run


def test_the_embedded_digits_are_prepared_and_reported(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    result = run("data/prepared.safetensors")
    path = tmp_path / "data" / "prepared.safetensors"
    assert result.exit_code == 0, result.output
    data = load_prepared(path)
    assert result.output.splitlines() == [
        "mnist-5k: 4000 train, 500 valid, 500 test images of 28 x 28, 10 classes",
        f"hash {data.hash[:12]}, written to {path}",
    ]
    assert {file.name for file in path.parent.iterdir()} == {path.name, "prepared.json"}
    summary = json.loads((path.parent / "prepared.json").read_text())
    assert summary["hash"] == data.hash
    assert summary["sizes"] == {"train": 4000, "valid": 500, "test": 500}
    assert summary["classes"] == list("0123456789")


HTML = b"<!DOCTYPE html><title>Sign in</title>"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "mnist: 1 of 4 files missing (train-images-idx3-ubyte, plain or .gz); looked in"),
        (b"", "train-images-idx3-ubyte: is empty; put"),
        (HTML, "train-images-idx3-ubyte: is a web page, not data"),
        (gzip.compress(b"images")[:-4], "train-images-idx3-ubyte: is a truncated gzip file"),
        (
            b"\0\0\x08\x01" + bytes(99),
            "holds labels (magic number 2049) where images (2051) belong",
        ),
    ],
    # By name: bytes in the name of a test would carry the second in which gzip packed them, and
    # two processes that collect the tests must find the same names.
    ids=["missing", "empty", "web page", "truncated", "labels"],
)
def test_a_fault_of_a_file_is_one_line_and_writes_nothing(
    run: Callable[..., Result], tmp_path: Path, content: bytes | None, fault: str
) -> None:
    root = tmp_path / "raw"
    root.mkdir()
    for file in IDX_SETS["mnist"].files:
        (root / file.name).write_bytes(content or b"")
    if content is None:
        (root / "train-images-idx3-ubyte").unlink()
    result = run(name="mnist", root=str(root))
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1
    assert result.output.startswith("Error: ")
    assert fault in result.output
    assert not (tmp_path / "prepared.safetensors").exists()


def test_a_wrong_setting_is_one_line(run: Callable[..., Result]) -> None:
    result = run(valid_fraction=2.0)
    assert result.exit_code == 2
    assert "data.valid_fraction = 2.0 must be less than 1" in result.output


def test_stages_start_without_what_they_may_not_need() -> None:
    """Torch takes seconds to import, and MLflow as many again."""
    code = (
        "import sys; from pipeline.stages.prepare import main; "
        "assert 'torch' not in sys.modules; "
        "import pipeline.stages.collect; assert 'torch' not in sys.modules; "
        "import pipeline.stages.judge, pipeline.stages.train, pipeline.stages.evaluate; "
        "assert 'mlflow' not in sys.modules; main(['--help'])"
    )
    words = [sys.executable, "-c", code]
    shown = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "Example: python -m pipeline.stages.prepare" in shown.stdout

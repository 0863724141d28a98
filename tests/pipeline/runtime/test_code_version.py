"""Versions, hashes of the code, and dates of commits."""

import re
from pathlib import Path

import pytest

import pipeline.models
import pipeline.training
from pipeline.errors import UserError
from pipeline.runtime.code_version import commit_date, git_commit, source_hash, versions
from pipeline.schemas.provenance import Origins, RunOrigin, read_origins


def test_versions_include_python_and_the_libraries_that_affect_results() -> None:
    assert {"python", "torch", "numpy", "vae-study"} <= set(versions())


def test_each_set_of_folders_has_its_own_hash() -> None:
    models, training = pipeline.models, pipeline.training
    assert source_hash(models, training) == source_hash(models, training)
    assert len({source_hash(models), source_hash(training), source_hash(models, training)}) == 3


def test_the_date_of_a_commit_follows_from_its_name() -> None:
    commit = git_commit()
    if not commit:
        pytest.skip("outside git")
    date = commit_date(commit)
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", date)
    name = commit.partition("+")[0]
    assert commit_date(name) == commit_date(f"{name}+changes") == date


@pytest.mark.parametrize("commit", ["", "0" * 40, "no-such-commit", "--help", "+changes"])
def test_an_unknown_commit_has_no_date(commit: str) -> None:
    assert commit_date(commit) == ""


def test_origins_are_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "provenance.json"
    assert read_origins(path) is None
    run = RunOrigin(device="cuda", threads=2, versions={"torch": "2.9.1"}, weights="ab")
    origins = Origins(runs={"conv-2/seed-0": run}, dates={"c0ffee": "2026-03-01"})
    path.write_text(origins.model_dump_json(), encoding="utf-8")
    assert read_origins(path) == origins
    path.write_text('{"format": 1, "runs": {}, "dates": {}, "more": 1}', encoding="utf-8")
    with pytest.raises(UserError, match=r"does not say where runs came from.*dvc repro collect"):
        read_origins(path)

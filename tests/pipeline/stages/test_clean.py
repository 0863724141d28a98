"""`study clean` removes kept runs, after a question, and nothing else."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from study.cli import main


def test_kept_runs_are_removed_after_a_question(trained: Path) -> None:
    kept = trained / "kept" / "models"
    (kept / "notes").mkdir()
    before = sorted((trained / "models").rglob("*"))
    refused = CliRunner().invoke(main, ["clean"], input="n\n")
    assert refused.exit_code == 1
    assert "kept has 4 models and the results of 0 runs" in refused.output
    assert len(list(kept.iterdir())) == 5
    assert CliRunner().invoke(main, ["clean", "--yes"]).exit_code == 0
    assert [path.name for path in kept.iterdir()] == ["notes"]
    assert sorted((trained / "models").rglob("*")) == before


def test_without_kept_runs_there_is_nothing_to_remove(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["clean"]).output == "kept has no runs\n"
    assert list(tmp_path.iterdir()) == []

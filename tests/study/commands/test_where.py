"""`study where`: correct about where things are, and what to type."""

import sqlite3
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from study.cli import main
from study.commands.where import mlflow_link


def test_where_shows_what_to_do_before_anything_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    result = CliRunner().invoke(main, ["where"])
    assert result.exit_code == 0
    assert "not written yet: dvc repro" in result.output
    assert list(tmp_path.iterdir()) == []


def test_where_shows_commands_that_work_without_activation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    assert f"{sys.prefix}/bin/mlflow ui" in CliRunner().invoke(main, ["where"]).output
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert "  .venv/bin/mlflow ui" in CliRunner().invoke(main, ["where"]).output


def test_where_shows_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = tmp_path / "reports" / "index.html"
    index.parent.mkdir()
    index.touch()
    monkeypatch.chdir(tmp_path)
    assert str(index) in CliRunner().invoke(main, ["where"]).output


def test_the_link_opens_the_runs(tmp_path: Path) -> None:
    database = tmp_path / "my #1 store" / "mlflow.db"
    database.parent.mkdir()
    assert mlflow_link(database) == "http://127.0.0.1:5000/"
    with sqlite3.connect(database) as store:
        store.execute("CREATE TABLE experiments (experiment_id INTEGER, name TEXT)")
        store.execute("INSERT INTO experiments VALUES (0, 'Default'), (7, 'vae-grid')")
    store.close()
    assert mlflow_link(database).endswith("/#/experiments/7?workflowType=machine_learning")

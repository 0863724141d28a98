"""MLflow's database: its permissions, and files that are another program's or version's."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.runtime import opening
from pipeline.runtime.tracking import Tracker


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def change(path: Path, statement: str) -> bytes:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)
    return path.read_bytes()


@pytest.mark.parametrize("by_address", [False, True])
def test_the_database_of_another_program_is_refused_and_left_alone(
    folder: Path, by_address: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = change(folder / "mlflow.db", "CREATE TABLE trials (number)")
    if by_address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    with pytest.raises(UserError, match="is another program's database") as refused:
        Tracker.open("runs")
    assert "\n" not in refused.value.message
    assert (folder / "mlflow.db").read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["mlflow.db"]


def test_a_database_of_another_version_is_refused_with_the_command_that_upgrades_it(
    folder: Path, empty_records: Path
) -> None:
    shutil.copy(empty_records, folder / "mlflow.db")
    change(folder / "mlflow.db", "UPDATE alembic_version SET version_num = '451aebb31d03'")
    with pytest.raises(UserError) as refused:
        Tracker.open("runs")
    assert f"run `mlflow db upgrade sqlite:///{folder}/mlflow.db`" in refused.value.message
    assert "\n" not in refused.value.message


def test_a_database_that_cannot_be_written_is_refused_in_one_line(
    folder: Path, empty_records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(empty_records, folder / "mlflow.db")
    monkeypatch.setattr(os, "access", lambda path, mode: path != folder)
    with pytest.raises(UserError, match=f"no write permission for {folder}; ask its owner"):
        Tracker.open("runs")


def test_a_new_database_gets_the_mode_of_the_umask(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Client:
        """In place of MLflow's, which takes seconds to create its tables."""

        def __init__(self, uri: str) -> None:
            change(Path(uri.removeprefix("sqlite:///")), "CREATE TABLE runs (number)")

        def search_experiments(self, max_results: int) -> None:
            pass

    monkeypatch.setattr(opening, "MlflowClient", Client)
    umask = os.umask(0o002)
    try:
        opening._create_database(folder / "mlflow.db")
    finally:
        os.umask(umask)
    assert (folder / "mlflow.db").stat().st_mode & 0o777 == 0o664

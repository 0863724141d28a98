"""Searches are found in a store that others use as well."""

import sqlite3
from pathlib import Path

import optuna

from tests.study.conftest import URL, study


def test_a_study_of_another_program_is_left_alone(searchable: Path) -> None:
    storage = optuna.storages.RDBStorage(URL)
    optuna.create_study(study_name="theirs", storage=storage)
    with sqlite3.connect("study.db"):
        pass
    assert "contains no search" in study("best").stderr
    assert "contains no search" in study("list").output
    refused = study("best", "--name", "theirs")
    assert refused.exit_code == 2
    assert "was not made by `study run`; choose another name" in refused.stderr

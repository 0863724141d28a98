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


def test_a_search_of_another_version_is_named_and_kept(searched: Path) -> None:
    old = optuna.create_study(study_name="old", storage=URL)
    old.set_user_attr("plan", '{"search": {"trials": 5}}')
    listed = study("list")
    assert listed.exit_code == 0
    assert "search old was made by another version of vae-study" in listed.stderr
    assert "mnist-5k-elbo-" in listed.stdout
    refused = study("best", "--name", "old")
    assert refused.exit_code == 2
    assert "made by another version" in refused.stderr
    assert "old" in optuna.get_all_study_names(URL)

"""Versions, and dates of commits."""

import re

import pytest

from pipeline.runtime.code_version import commit_date, git_commit, versions


def test_versions_include_python_and_the_libraries_that_affect_results() -> None:
    assert {"python", "torch", "numpy", "vae-study"} <= set(versions())


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

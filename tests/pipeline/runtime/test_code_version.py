"""The versions of code and libraries, and the day of a commit."""

import re

import pytest

from pipeline.runtime.code_version import commit_date, git_commit, versions


def test_versions_name_python_and_what_decides_the_numbers() -> None:
    assert {"python", "torch", "numpy", "vae-study"} <= set(versions())


def test_the_day_of_a_commit_follows_from_its_name_alone() -> None:
    commit = git_commit()
    if not commit:
        pytest.skip("outside git")
    day = commit_date(commit)
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", day)
    name = commit.partition("+")[0]
    assert commit_date(name) == commit_date(f"{name}+changes") == day


@pytest.mark.parametrize("commit", ["", "0" * 40, "no-such-commit", "--help", "+changes"])
def test_an_unknown_commit_has_no_day(commit: str) -> None:
    assert commit_date(commit) == ""

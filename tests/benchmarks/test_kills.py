"""A small share of `make kills`, so that it keeps working."""

import random
from pathlib import Path

import pytest

from benchmarks.kills.commands import disturb_commands
from benchmarks.kills.project import Task
from tests.conftest import ROOT


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_commands_leave_nothing_half_done(tmp_path: Path) -> None:
    chance = random.Random("a share")
    report = disturb_commands(Task(ROOT, tmp_path, 2, chance, seconds=60))
    assert report.problems == []
    assert report.kills.total() == 2

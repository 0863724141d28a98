"""The harness of `make fuzz` finds what it looks for, and a share of its inputs."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.fuzz import commands
from benchmarks.fuzz.__main__ import Tally, all_cases
from benchmarks.fuzz.attempt import Attempt, Verdict
from benchmarks.fuzz.case import SECRET, Case
from tests.conftest import ROOT

INPUTS = 40


@pytest.mark.slow
def test_a_share_of_the_inputs_breaks_no_rule(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "benchmarks.fuzz", "--inputs", str(INPUTS)]
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{INPUTS} inputs from seed 0")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def verdicts(tmp_path: Path) -> Iterator[list[Verdict]]:
    """The verdicts on commands that are not ours, which break a rule each."""
    yield []

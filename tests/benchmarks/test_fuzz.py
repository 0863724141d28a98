"""The harness of `make fuzz` finds each fault that it looks for; some inputs of it find none."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click
import pytest

import benchmarks.fuzz.attempt
from benchmarks.fuzz.__main__ import GENERATORS, Tally, all_cases
from benchmarks.fuzz.attempt import Attempt, Verdict
from benchmarks.fuzz.case import SECRET, Case
from pipeline.errors import UserError
from tests.conftest import ROOT

INPUTS = 40
# Python 3.12 warns of what the harness avoids: that a thread's lock is taken while it forks.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_share_of_the_inputs_breaks_no_rule(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fuzz", "--inputs", str(INPUTS)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{INPUTS} inputs from seed 0")
    assert list(tmp_path.iterdir()) == []


Attempted = Callable[..., Verdict]


@pytest.fixture
def attempted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attempted:
    """A function that gives an input to a command of its own, in place of `study`."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "old").write_text("old")

    def attempt(action: Callable[[], object], longest: float = 60.0, **details: Any) -> Verdict:
        @click.command()
        @click.argument("words", nargs=-1)
        def main(words: Sequence[str]) -> None:
            action()

        monkeypatch.setattr(benchmarks.fuzz.attempt, "main", main)
        case = Case(**{"kind": "kind", "command": ("list",)} | details)
        running = Attempt(case, project, tmp_path, longest=longest)
        verdict = running.wait()
        running.remove()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["project"]
        return verdict

    return attempt


def refuse(text: str = "wrong") -> None:
    raise UserError(text)


def test_what_is_accepted_or_refused_in_one_line_breaks_no_rule(attempted: Attempted) -> None:
    assert attempted(lambda: None).faults == ()
    refused = attempted(refuse, valid=False)
    assert (refused.status, refused.stderr, refused.faults) == (2, "Error: wrong\n", ())
    written = attempted(lambda: Path("new").touch(), command=("export",), valid=True)
    assert written.faults == ()


@pytest.mark.parametrize(
    ("action", "fault"),
    [
        (lambda: 1 / 0, "traceback"),
        (lambda: sys.exit(1), "status 1"),
        (lambda: click.echo("a line", err=True) or refuse(), "2 lines"),
        (lambda: sys.exit(2), "0 lines"),
        (lambda: Path("new").touch(), "writes project/new"),
        (lambda: Path("old").write_text("new"), "writes project/old"),
        (lambda: Path("old").unlink(), "writes project/old"),
        (lambda: Path("../new").mkdir(), "writes new"),
        (lambda: Path("~").expanduser().joinpath("x").touch(), "writes home/x"),
        (lambda: click.echo(f"postgresql://user:{SECRET}@host"), "password shown"),
        (lambda: refuse(SECRET), "password shown"),
    ],
)
def test_each_broken_rule_is_found(
    attempted: Attempted, action: Callable[[], object], fault: str
) -> None:
    assert attempted(action).faults == (fault,)


def test_one_that_takes_too_long_is_ended(attempted: Attempted) -> None:
    assert attempted(lambda: time.sleep(300), longest=0.5).faults == ("hangs",)


def test_a_refused_command_may_write_no_more_than_one_that_shows(attempted: Attempted) -> None:
    def write_and_refuse() -> None:
        Path("new").touch()
        refuse()

    assert attempted(write_and_refuse, command=("export",)).faults == ("writes project/new",)


def test_a_password_in_a_written_file_or_a_command_line_is_found(attempted: Attempted) -> None:
    def write() -> None:
        Path("new").write_text(f"address: {SECRET}")

    assert attempted(write, command=("run",)).faults == ("password shown",)

    def start() -> None:
        subprocess.run(["sh", "-c", f"sleep 2; : {SECRET}"])

    assert attempted(start).faults == ("password in a command line",)


def test_valid_and_invalid_inputs_are_told_apart(attempted: Attempted) -> None:
    assert attempted(lambda: None, valid=False).faults == ("accepted",)
    assert attempted(refuse, valid=True).faults == ("refused",)


def test_an_input_has_its_files_and_its_environment(attempted: Attempted) -> None:
    def show() -> None:
        click.echo(Path("sub/file").read_bytes() + os.environ["WORD"].encode())

    found = attempted(show, files={"sub/file": b"content "}, environment={"WORD": "word"})
    assert found.stdout == "content word\n"


def test_inputs_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    kinds = ["commands"]
    first, again, other = (list(islice(all_cases(kinds, seed, tmp_path), 20)) for seed in (0, 0, 1))
    assert first == again != other
    assert [label for label, _ in first[:2]] == ["commands:0", "commands:1"]
    assert {"commands", "stores"} <= set(GENERATORS)


def test_faults_are_counted_by_kind(
    attempted: Attempted, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally(seed=7)
    for number, action in enumerate((lambda: None, refuse, lambda: 1 / 0, lambda: 1 / 0)):
        tally.add(f"a:{number}", Case("files", ("list",)), attempted(action))
    tally.show()
    shown = capsys.readouterr().out
    assert shown.startswith("4 inputs from seed 7 in ")
    assert "files 4 1 3 2 " in " ".join(shown.split())
    assert "files: traceback, 2 times; such as --seed 7 --only a:2\n" in shown
    assert "ZeroDivisionError" in shown

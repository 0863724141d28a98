"""Processes are told apart by what no step of the clock changes."""

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from pipeline.runtime import processes
from pipeline.runtime.processes import (
    BOOT,
    HOST,
    PID,
    PID_STARTED,
    has_died,
    identity,
    is_of_earlier_boot,
)

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@on_linux
def test_a_step_of_the_clock_kills_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = identity()
    before = psutil.Process().create_time()
    booted = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + 3600)
    assert abs(psutil.Process().create_time() - before) > 3000, "the clock was not stepped"
    assert not has_died(mine)


def test_a_process_is_its_id_and_its_start(sleeper: subprocess.Popen[bytes]) -> None:
    theirs = identity() | {PID: str(sleeper.pid)}
    assert has_died(theirs), "the process of that id started at another time"
    if processes._started(sleeper.pid):
        alive = identity() | {
            PID: str(sleeper.pid),
            PID_STARTED: processes._started(sleeper.pid),
        }
        assert not has_died(alive)
        sleeper.kill()
        assert sleeper.stdin is not None
        psutil.Process(sleeper.pid).wait()
        assert has_died(alive)


def test_records_of_earlier_versions_have_the_start_in_seconds() -> None:
    started = psutil.Process().create_time()
    assert not has_died(identity() | {PID_STARTED: repr(started)})
    assert has_died(identity() | {PID_STARTED: repr(started - 60)})


@pytest.mark.parametrize("started", ["", "nan", "inf", "1e999", "soon", "-1", "9" * 400])
def test_a_start_that_cannot_be_read_is_nobodys(started: str) -> None:
    assert has_died(identity() | {PID_STARTED: started})


def test_what_cannot_be_checked_is_alive() -> None:
    elsewhere = identity() | {HOST: "another-host", PID: "1"}
    assert not has_died(elsewhere)
    assert not is_of_earlier_boot(elsewhere)
    assert not has_died({})


@on_linux
def test_another_container_of_this_boot_may_be_alive() -> None:
    boot = identity()[BOOT].partition("-pid:")[0]
    neighbour = identity() | {BOOT: f"{boot}-pid:[1]"}
    assert not has_died(neighbour)
    assert not is_of_earlier_boot(neighbour)
    assert is_of_earlier_boot(identity() | {BOOT: "0" * 36 + "-pid:[1]"})

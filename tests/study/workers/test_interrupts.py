"""How a worker reacts to signals while it trains."""

import os
import signal
import sys

import pytest

from study.workers.interrupts import heeding_interrupts


class Bell:
    """Interrupts its own process twice as it is destroyed, where no exception can escape."""

    def __del__(self) -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_cancellation_inside_a_destructor_is_remembered_and_prints_nothing(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    with heeding_interrupts() as asked:
        bell = Bell()
        del bell
        assert asked.cancelled
    assert capfd.readouterr().err == ""


def test_other_errors_in_a_destructor_are_printed(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Faulty:
        def __del__(self) -> None:
            raise ValueError("spilt")

    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    with heeding_interrupts():
        faulty = Faulty()
        del faulty
    assert "ValueError: spilt" in capfd.readouterr().err

"""What a worker hears while it runs a trial."""

import os
import signal
import sys

import pytest

from study.workers.worker import heeding_interrupts


class Bell:
    """Interrupts its own process twice as it is destroyed, where no exception gets out."""

    def __del__(self) -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_cancellation_inside_a_destructor_is_kept_and_prints_nothing(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    with heeding_interrupts() as asked:
        bell = Bell()
        del bell
        assert asked.cancelled
    assert capfd.readouterr().err == ""


def test_other_faults_of_a_destructor_are_told(
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

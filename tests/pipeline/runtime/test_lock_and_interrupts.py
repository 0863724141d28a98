"""Locks on folders, and SIGTERM as an interrupt."""

import signal
import threading
import time
from pathlib import Path

import pytest

from pipeline.runtime.interrupts import sigterm_as_interrupt
from pipeline.runtime.lock import sole_writer


def test_a_second_writer_waits_for_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, order = tmp_path / "new" / "models", []

    def second() -> None:
        with sole_writer(folder, "training"):
            order.append("second")

    with sole_writer(folder, "training"):
        thread = threading.Thread(target=second)
        thread.start()
        deadline = time.monotonic() + 20
        while "another training is writing" not in capsys.readouterr().out:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        order.append("first")
    thread.join(timeout=20)
    assert order == ["first", "second"]


def test_sigterm_is_an_interrupt_only_within_the_block() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), sigterm_as_interrupt():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before

"""Locks on folders, and SIGTERM as an interrupt."""

import errno
import signal
import threading
import time
from pathlib import Path

import pytest

from pipeline.errors import UserError
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


def test_a_full_disk_is_explained_in_one_line(tmp_path: Path) -> None:
    def fill() -> None:
        with sole_writer(tmp_path / "models", "training"):
            raise RuntimeError("not stored") from OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UserError, match=r"models: cannot be written: No space left on device; ch"):
        fill()


def test_other_faults_keep_their_traceback(tmp_path: Path) -> None:
    def fail() -> None:
        with sole_writer(tmp_path / "models", "training"):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    with pytest.raises(FileNotFoundError):
        fail()


def test_a_place_that_cannot_be_written_to_is_explained_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match="models: cannot be written: File exists"),
        sole_writer(tmp_path / "file" / "models", "training"),
    ):
        pass

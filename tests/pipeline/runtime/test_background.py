"""Calls that Ctrl-C cannot interrupt."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from pipeline.runtime.background import in_background, run_shielded


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Make interrupts raise even if a shell started the tests in the background, ignoring them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_results_and_exceptions_are_passed_on() -> None:
    assert run_shielded(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        run_shielded(divmod, 7, 0)


def test_calls_run_one_at_a_time_in_order() -> None:
    done: list[int] = []
    futures = [in_background(done.append, number) for number in range(50)]
    run_shielded(done.append, 50)
    assert done == list(range(51))
    assert all(future.done() for future in futures)


def test_calls_can_be_nested() -> None:
    assert run_shielded(lambda: run_shielded(sum, [1, 2])) == 3


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_the_wait_but_not_the_call() -> None:
    written: list[str] = []

    def write() -> None:
        written.append("begun")
        time.sleep(0.5)
        written.append("ended")

    interrupt = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        run_shielded(write)
    assert written == ["begun"]
    run_shielded(written.append, "next")
    assert written == ["begun", "ended", "next"]

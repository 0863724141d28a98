"""Calls that an interrupt does not break off."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from pipeline.runtime.background import Uninterrupted, beside, uninterrupted


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Interrupts raise, also where a shell began the tests in its background and ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_values_and_errors_come_back() -> None:
    assert uninterrupted(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        uninterrupted(divmod, 7, 0)


def test_calls_are_done_one_by_one_in_their_order() -> None:
    done: list[int] = []
    futures = [beside(done.append, number) for number in range(50)]
    uninterrupted(done.append, 50)
    assert done == list(range(51))
    assert all(future.done() for future in futures)


def test_a_call_may_make_another() -> None:
    assert uninterrupted(lambda: uninterrupted(sum, [1, 2])) == 3


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_the_wait_and_not_the_call() -> None:
    written: list[str] = []

    def write() -> None:
        written.append("begun")
        time.sleep(0.5)
        written.append("ended")

    interrupt = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        uninterrupted(write)
    assert written == ["begun"]
    uninterrupted(written.append, "next")
    assert written == ["begun", "ended", "next"]


def test_methods_of_a_wrapped_object_are_called_in_the_thread() -> None:
    class Client:
        place = "here"

        def who(self, prefix: str, *, suffix: str) -> str:
            return prefix + threading.current_thread().name + suffix

    client = Uninterrupted(Client())
    assert client.place == "here"
    assert client.who("<", suffix=">").startswith("<uninterrupted")
    assert threading.current_thread() is threading.main_thread()

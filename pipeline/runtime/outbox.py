"""Writes to MLflow's server, which may be away: made in order, in the background, and kept.

An outage must not cost what is recorded, let alone what takes hours to compute. So nobody waits for
a write: a thread makes one after the other. During an outage it keeps them, which are small, in
memory, and tries again. One line tells when the server goes away, one when it is back, and one at
the end what could not be written. A server is waited for as long as it keeps answering, however
much is queued.

The thread is a daemon: a call that hangs does not keep the process from ending.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import click

from pipeline.errors import UserError, first_names
from pipeline.runtime.address import without_secrets
from pipeline.runtime.causes import reason_of
from pipeline.runtime.faults import is_outage

T = TypeVar("T")

LONGEST_PAUSE = 10.0  # seconds between two attempts during an outage
LAST_ATTEMPT = 5.0  # seconds to go on trying at the end, or after an interrupt
AT_ONCE = 1.0  # seconds; a fault within them is tried once more before it counts as an outage


class ServerAwayError(UserError):
    """A server that does not answer."""


@dataclass(slots=True)
class _Call(Generic[T]):
    """A call to the server.

    Attributes:
        make: makes it.
        record: name of the record that it writes to; empty if it is none.
        may_wait: whether it is tried again after an outage.
    """

    make: Callable[[], T]
    record: str
    may_wait: bool
    future: Future[T] = field(default_factory=Future)


class Outbox:
    """Calls to one server.

    Args:
        server: what to call it in messages, without a password.
        patience: seconds after which a call has no answer.
        announces: whether to report outages and what could not be written; not if another process
            does.
    """

    def __init__(self, server: str, patience: float, *, announces: bool = True) -> None:
        self._server = server
        self._patience = patience
        self._announces = announces
        self._calls: deque[_Call[Any]] = deque()  # the first is being made
        self._changed = threading.Condition()
        self._hurry = threading.Event()
        self._away = ""  # why, during an outage
        self._answered = time.monotonic()  # when the server last did
        self._incomplete: dict[str, None] = {}  # records, in order
        self._closed = False
        threading.Thread(target=self._make_calls, daemon=True, name="outbox").start()

    def write(self, record: str, make: Callable[[], T]) -> Future[T]:
        """Write soon; the future has the result, or the server's refusal.

        Args:
            record: name of the record that is written to; empty if it is none.
            make: makes the call; tried again after an outage.
        """
        return self._add(_Call(make, record, may_wait=True))

    def read(self, make: Callable[[], T]) -> T:
        """Make a call, after everything that is to be written before, and return its result.

        Raises:
            ServerAwayError: if the server does not answer.
        """
        if self._away:
            raise self._no_answer(self._away)
        future = self._add(_Call(make, "", may_wait=False))
        if not self._wait_until(future.done, lambda: self._patience):
            raise self._no_answer("timed out")
        return future.result()

    def result(self, future: Future[T]) -> T | None:
        """Return the result of a write; None if it fails, or has to wait for the server."""
        self._wait_until(lambda: future.done() or bool(self._away), lambda: self._patience)
        return future.result() if future.done() and future.exception() is None else None

    @property
    def is_away(self) -> bool:
        """Whether the server is known not to answer."""
        return bool(self._away)

    def close(self, *, hurry: bool = False) -> bool:
        """Wait until all is written while the server answers, and name the records that are not.

        Args:
            hurry: whether to wait for a few seconds only.

        Returns:
            Whether everything was written.
        """
        if not self._closed:
            self._closed = True
            try:
                self._wait_for_calls(LAST_ATTEMPT if hurry else self._patience)
            finally:
                self._give_up()
        return not self._incomplete

    def _wait_for_calls(self, patience: float) -> None:
        self._hurry.set()  # no more pauses
        self._wait_until(
            lambda: not self._calls,
            lambda: min(patience, LAST_ATTEMPT) if self._away else patience,
        )

    def _wait_until(self, condition: Callable[[], bool], patience: Callable[[], float]) -> bool:
        """Wait while the server answers; return whether the condition was met.

        Args:
            condition: becomes true by an answer or an outage.
            patience: returns the seconds to wait since the last answer.
        """
        begun = time.monotonic()
        with self._changed:
            while not condition():
                rest = max(begun, self._answered) + patience() - time.monotonic()
                if rest <= 0:
                    return False
                self._changed.wait(rest)
        return True

    def _give_up(self) -> None:
        with self._changed:
            self._incomplete |= dict.fromkeys(call.record for call in self._calls if call.record)
            self._calls.clear()
        names = list(self._incomplete)
        if names and self._announces:
            click.echo(
                f"warning: {self._server} has incomplete records for {first_names(names)}; the "
                "results themselves are complete",
                err=True,
            )

    def _add(self, call: _Call[T]) -> Future[T]:
        with self._changed:
            self._closed = False
            self._hurry.clear()
            self._calls.append(call)
            self._changed.notify_all()
        return call.future

    def _make_calls(self) -> None:
        pause = faults = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._calls)
                call = self._calls[0]
            begun = time.monotonic()
            try:
                result = call.make()
            except Exception as error:
                if is_outage(error):
                    faults += 1
                    if faults == 1 and time.monotonic() - begun < AT_ONCE:
                        continue  # such as a connection that the server closed while it was idle
                    if call.may_wait:
                        self._note_outage(error)
                        pause = min(2 * pause or 1.0, LONGEST_PAUSE)
                        self._hurry.wait(pause)
                        if self._hurry.is_set():
                            time.sleep(0.2)
                        continue
                    error = self._no_answer(_shown(error))
                elif call.record:
                    self._note_refusal(call.record, error)
                call.future.set_exception(error)
            else:
                call.future.set_result(result)
                self._note_answer()
            pause = faults = 0.0
            with self._changed:
                if self._calls and self._calls[0] is call:
                    self._calls.popleft()
                self._changed.notify_all()

    def _note_outage(self, error: Exception) -> None:
        with self._changed:
            first, self._away = not self._away, _shown(error)
            for call in [call for call in self._calls if not call.may_wait]:
                call.future.set_exception(self._no_answer(self._away))
                self._calls.remove(call)
            self._changed.notify_all()
        if first and self._announces:
            click.echo(
                f"{self._server} does not answer ({self._away}); work goes on, and its records are "
                "written when the server is back",
                err=True,
            )

    def _note_answer(self) -> None:
        was_away, self._away = self._away, ""
        self._answered = time.monotonic()
        if was_away and self._announces:
            click.echo(f"{self._server} answers again; the records are being written", err=True)

    def _note_refusal(self, record: str, error: Exception) -> None:
        self._answered = time.monotonic()
        if not self._incomplete:  # what follows is refused because of that, or named at the end
            click.echo(
                f"warning: {self._server} refused a part of the record of {record}: "
                f"{_shown(error)}",
                err=True,
            )
        self._incomplete[record] = None

    def _no_answer(self, reason: str) -> ServerAwayError:
        return ServerAwayError(
            f"{self._server} does not answer ({reason}); start it, or set MLFLOW_TRACKING_URI to "
            "one that does, or unset it"
        )


def _shown(error: Exception) -> str:
    return without_secrets(reason_of(error))

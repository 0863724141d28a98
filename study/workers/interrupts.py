"""What Ctrl-C and SIGTERM mean to a search: first finish the running trials, then cancel them."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Send SIGINT and SIGTERM to a handler during the block."""
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextmanager
def counting_presses() -> Iterator[Callable[[], int]]:
    """Count Ctrl-C for the supervisor. SIGTERM counts as two: there is no time to finish."""
    count = 0

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal count
        count += 1 if number == signal.SIGINT else 2

    with handling(press):
        yield lambda: count


@dataclass(slots=True)
class Interrupts:
    """What signals asked a worker to do.

    Attributes:
        ending: end after the running trial.
        cancelled: end at once.
    """

    ending: bool = False
    cancelled: bool = False


@contextmanager
def heeding_interrupts() -> Iterator[Interrupts]:
    """Let a worker's trial finish at the first Ctrl-C; cancel it at the second, or at a SIGTERM."""
    asked = Interrupts()

    def press(number: int, frame: FrameType | None) -> None:
        asked.cancelled = asked.ending or number == signal.SIGTERM
        asked.ending = True
        if asked.cancelled:
            # May be lost in a destructor, so the trial looks at the flag as well.
            raise KeyboardInterrupt

    print_unraisable = sys.unraisablehook

    def hook(failure: "sys.UnraisableHookArgs") -> None:
        # Python prints what a destructor had to swallow; the flag has recorded this one.
        if not (asked.cancelled and failure.exc_type is KeyboardInterrupt):
            print_unraisable(failure)

    with handling(press):
        sys.unraisablehook = hook
        try:
            yield asked
        finally:
            sys.unraisablehook = print_unraisable

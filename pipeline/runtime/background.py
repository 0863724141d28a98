"""Run calls in a background thread so that Ctrl-C cannot interrupt them.

Python handles signals in the main thread, where Ctrl-C can raise an exception between any two
steps. In the middle of a transaction this leaves a session open whose lock blocks every later
write, including those of this process. Here only the main thread is interrupted, and the call
runs to completion. A single thread makes all calls, in order.
"""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_THREAD_NAME = "background"
# Seconds after which a thread that computes lets another one go on. Each statement of SQLite lets
# go of the interpreter; at Python's 5 ms, getting it back takes longer than most statements.
_SWITCH = 0.0005


@cache
def _executor() -> ThreadPoolExecutor:
    sys.setswitchinterval(_SWITCH)
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=_THREAD_NAME)


def in_background(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Start a call without waiting for it; the future holds its result or exception."""
    return _executor().submit(function, *args, **kwargs)


def run_shielded(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Make a call in the background and return its result.

    An interrupt ends the wait, but not the call.
    """
    if threading.current_thread().name.startswith(_THREAD_NAME):  # it would wait for itself
        return function(*args, **kwargs)
    return in_background(function, *args, **kwargs).result()

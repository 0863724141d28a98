"""Calls that no signal breaks off, because they run in a thread of their own.

Python handles signals in the main thread, where Ctrl-C becomes an exception between any two steps.
In the middle of a transaction it leaves a session open, whose lock then keeps everybody from
writing, this process included. Here the main thread alone is interrupted, and the call comes to
its end. One thread does all calls, in their order.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from typing import Any, ParamSpec, TypeVar

Words = ParamSpec("Words")
Value = TypeVar("Value")

_NAME = "uninterrupted"


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=_NAME)


def beside(
    work: Callable[Words, Value], *words: Words.args, **named: Words.kwargs
) -> Future[Value]:
    """Begin a call and go on; its value, or what it raised, is in the future."""
    return _thread().submit(work, *words, **named)


def uninterrupted(work: Callable[Words, Value], *words: Words.args, **named: Words.kwargs) -> Value:
    """The value of a call, which comes to its end even if the wait for it is interrupted."""
    if threading.current_thread().name.startswith(_NAME):  # it would wait for itself
        return work(*words, **named)
    return beside(work, *words, **named).result()


class Uninterrupted:
    """An object whose methods are called so."""

    def __init__(self, wrapped: object) -> None:
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        """The method of the wrapped object, to be called in the thread."""
        found = getattr(self._wrapped, name)
        return partial(uninterrupted, found) if callable(found) else found

"""Tell a server that is away, and a disk that is full, from all other faults by their errors.

Libraries wrap such errors, often several times, so that whole chains of causes are looked at.
"""

import errno
import socket
import sqlite3

from sqlalchemy.exc import InterfaceError, OperationalError

from pipeline.runtime.causes import causes

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)


def is_outage(error: BaseException) -> bool:
    """Return whether a server did not answer, or answered that it cannot at the moment."""
    return any(map(_is_no_answer, causes(error)))


def _is_no_answer(error: BaseException) -> bool:
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror):
        return True
    if isinstance(error, OperationalError | InterfaceError):
        return not isinstance(error.orig, sqlite3.Error)
    if not isinstance(error, OSError) or isinstance(error, ValueError):  # an invalid address
        return False
    # The errors of requests have no number, and an answer if the server refused.
    unanswered = type(error) is not OSError and getattr(error, "response", None) is None
    return error.errno in UNREACHABLE or (error.errno is None and unanswered)


def is_unwritable(error: BaseException) -> bool:
    """Return whether a disk is full, or cannot be written to for another reason."""
    return any(map(_is_full, causes(error)))


def _is_full(error: BaseException) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return any(word in str(error) for word in ("is full", "disk I/O", "readonly"))
    return isinstance(error, OSError) and error.errno in FULL


def reason_of(error: BaseException) -> str:
    """Return the first cause of an error in a few words, such as ``Connection refused``."""
    *_, first = causes(error)
    text = (first.strerror if isinstance(first, OSError) else None) or str(first)
    return " ".join(text.split())[:200] or type(first).__name__

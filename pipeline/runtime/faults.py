"""Tell a server that is away, and a disk that is full, from all other faults by their errors.

Libraries wrap such errors, often several times, so that whole chains of causes are looked at.
"""

import errno
import socket
import sqlite3

from sqlalchemy.exc import InterfaceError, OperationalError

from pipeline.runtime.causes import causes

FULL, FORBIDDEN = "free some space", "ask for write permission"
SIGNS = {  # SQLite's
    "is full": FULL,
    "disk I/O": FULL,
    "readonly": FORBIDDEN,
    "is locked": "close the program that has locked it",
}
NUMBERS = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EACCES: FORBIDDEN,
    errno.EROFS: FORBIDDEN,
}
# PostgreSQL's: disk full, insufficient privilege, read-only transaction.
STATES = {"53100": FULL, "42501": FORBIDDEN, "25006": FORBIDDEN}
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
    """Return whether a disk is full, or a store cannot be written to for another reason."""
    return any(map(remedy_to_write, causes(error)))


def remedy_to_write(error: BaseException) -> str | None:
    """Return what helps if an error, without its causes, says that nothing can be written."""
    if isinstance(error, sqlite3.OperationalError):
        return next((remedy for sign, remedy in SIGNS.items() if sign in str(error)), None)
    if isinstance(error, OSError):
        return NUMBERS.get(error.errno or 0)
    return STATES.get(getattr(error, "sqlstate", None) or "")

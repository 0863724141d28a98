"""Errors by what they mean."""

import errno
import sqlite3

import pytest
from requests import Response
from requests import exceptions as requests
from sqlalchemy.exc import OperationalError

from pipeline.runtime.causes import reason_of
from pipeline.runtime.faults import is_outage, is_unwritable


def wrapped(cause: BaseException) -> Exception:
    """As MLflow does it: in another error, without saying so."""
    try:
        try:
            raise cause
        except type(cause):
            raise RuntimeError("API request failed")  # noqa: B904
    except RuntimeError as error:
        return error


REFUSED = requests.HTTPError("403 Client Error", response=Response())


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), True),
        (TimeoutError("timed out"), True),
        (OSError(errno.EHOSTUNREACH, "No route to host"), True),
        (requests.RetryError("too many 503 error responses"), True),
        (OperationalError("SELECT", {}, Exception("server closed the connection")), True),
        (OperationalError("SELECT", {}, sqlite3.OperationalError("disk is full")), False),
        (REFUSED, False),
        (requests.InvalidURL("no host"), False),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), False),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (ValueError("the run is deleted"), False),
    ],
)
def test_an_outage_is_told_from_a_refusal(error: Exception, outage: bool) -> None:
    assert is_outage(error) is outage
    assert is_outage(wrapped(error)) is outage


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (sqlite3.OperationalError("database or disk is full"), True),
        (sqlite3.OperationalError("attempt to write a readonly database"), True),
        (sqlite3.OperationalError("no such table: runs"), False),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), False),
    ],
)
def test_a_full_disk_is_recognised(error: Exception, full: bool) -> None:
    assert is_unwritable(wrapped(error)) is full


def test_the_reason_is_the_first_cause() -> None:
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    assert reason_of(wrapped(refused)) == "Connection refused"
    assert reason_of(ValueError("two\n lines")) == "two lines"
    assert reason_of(ConnectionResetError()) == "ConnectionResetError"

"""A store that outlives restarts of its server: it reconnects and repeats what was cut off.

A restart ends every connection and whatever was running on it. What may happen twice without harm
is repeated; anything else ends its process, whose trial is then retried as after any other death.
"""

import functools
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import TrialUserAttributeModel
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.trial import TrialState
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from pipeline.runtime.causes import causes
from pipeline.runtime.processes import has_died, is_here
from study.search.schedule import OWNER
from study.store.address import shown
from study.store.notices import announcing, announcing_lock
from study.store.reader import connect_to_read

P = ParamSpec("P")
T = TypeVar("T")

OUTAGE = 60  # seconds that a process waits for a silent server
CONNECT_TIMEOUT = 5  # seconds for one attempt to connect
# What PostgreSQL says while it starts, stops or is busy, and its client if there is none. Anything
# else, such as a wrong password or an unknown database, stays wrong however long one waits.
BUSY = (
    "is starting up",
    "is shutting down",
    "in recovery mode",
    "too many clients",
    "connection slots",
)
ABSENT = (
    "Connection refused",
    "Is the server running",
    "closed the connection unexpectedly",
    "timeout expired",
)
LATE = 6  # seconds for which the heartbeat of a process that exists must stay late
NO_SERVER = 69  # exit status of a process that lost the server (sysexits.h: unavailable)


def retry_if_disconnected(call: Callable[P, T]) -> Callable[P, T]:
    """Repeat the call if a server's restart cut it off; only for calls that may happen twice."""

    @functools.wraps(call)
    def retrying(*args: P.args, **kwargs: P.kwargs) -> T:
        return _retrying(retry_if_exception(_is_disconnection))(call, *args, **kwargs)

    return retrying


def _is_disconnection(error: BaseException) -> bool:
    """Whether a statement lost its connection; Optuna wraps the error that says so.

    Psycopg's errors have a state if the server sent one. They have none if the server was gone, or
    if a statement was wrong before it was sent, which is not an operational error.
    """
    return any(
        one.connection_invalidated
        or (isinstance(one, OperationalError) and getattr(one.orig, "sqlstate", "") is None)
        for one in causes(error)
        if isinstance(one, DBAPIError)
    )


@contextmanager
def exit_if_disconnected(message: str) -> Iterator[None]:
    """End the process with one line if its connection is lost for good, or at the wrong moment."""
    try:
        yield
    except Exception as error:
        if not _is_disconnection(error):
            raise
        click.echo(message, err=True)
        sys.exit(NO_SERVER)


def _retrying(condition: Any) -> Retrying:
    return Retrying(
        retry=condition,
        stop=stop_after_delay(OUTAGE),
        wait=wait_random_exponential(multiplier=0.1, max=2),
        reraise=True,
    )


def connector(url: URL, *, awaited: bool = True, read_only: bool = False) -> Callable[[], Any]:
    """Return a function that connects to a store.

    Args:
        url: the store's address.
        awaited: whether a server was there a moment ago, so that it will come back. Once connected,
            it is waited for in any case.
        read_only: whether nothing is to be written, not even next to an SQLite file.
    """
    if url.get_backend_name() == "sqlite":
        return _file_connector(Path(url.database or ""), read_only)
    return _server_connector(url, awaited, read_only)


def _file_connector(path: Path, read_only: bool) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        if read_only:
            return connect_to_read(path)
        with announcing_lock(path):
            connection = sqlite3.connect(path, timeout=OUTAGE, check_same_thread=False)
            # Readers do not block the writer, and a commit waits for one sync less.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            return connection

    return connect


def _server_connector(url: URL, awaited: bool, read_only: bool) -> Callable[[], Any]:
    dialect = url.get_dialect()()
    module = dialect.import_dbapi()
    words, options = dialect.create_connect_args(url)
    options.setdefault("connect_timeout", CONNECT_TIMEOUT)
    signs = BUSY + ABSENT if awaited else BUSY
    was_there = False

    def will_come(error: BaseException) -> bool:
        passing = was_there or any(sign in str(error) for sign in signs)
        return isinstance(error, module.OperationalError) and passing

    def connect() -> Any:
        nonlocal was_there
        with announcing(shown(url.render_as_string(hide_password=True))):
            connection = _retrying(retry_if_exception(will_come))(module.connect, *words, **options)
        if read_only:
            connection.read_only = True
        was_there = True
        return connection

    return connect


# Calls that read, or that write the same when they write twice. Optuna reads by the private two.
REPEATABLE = {
    "_get_stale_trial_ids",
    "_get_trials",
    "get_all_studies",
    "get_study_directions",
    "get_study_id_from_name",
    "get_study_name_from_id",
    "get_study_system_attrs",
    "get_study_user_attrs",
    "get_trial",
    "get_trial_id_from_study_id_trial_number",
    "record_heartbeat",
    "set_study_user_attr",
    "set_trial_intermediate_value",
    "set_trial_system_attr",
    "set_trial_user_attr",
}


class ReconnectingStorage(RDBStorage):
    """Optuna's store, undisturbed by a restart of its server.

    Two calls are not repeated: creating a trial, which Optuna repeats by itself, and taking one,
    because nobody would know who took it.
    """

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return retry_if_disconnected(found) if name in REPEATABLE else found

    def ask(self, query: str, **values: str | int) -> list[tuple[Any, ...]]:
        """Return the rows that answer a query with named parameters.

        Raises:
            StorageInternalError: if the store cannot be read.
        """
        try:
            with self.engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(query), values)]
        except DBAPIError as error:
            raise StorageInternalError("the store cannot be read") from error

    _late: Mapping[int, float] = {}  # since when the heartbeats of trials have been late

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        """As in the base class; a live process of this machine gets time to prove that it lives.

        A step of the clock, or a machine that slept, makes all heartbeats late at once. The next
        ones come soon, unless the process itself was stopped.
        """
        late, now = super()._get_stale_trial_ids(study_id), time.monotonic()
        self._late = {one: self._late.get(one, now) for one in late}
        return [one for one in late if now - self._late[one] >= LATE or not self._lives_here(one)]

    def _lives_here(self, trial_id: int) -> bool:
        owner = self.get_trial(trial_id).user_attrs.get(OWNER, {})
        return is_here(owner) and not has_died(owner)

    @retry_if_disconnected
    def set_trial_user_attrs(self, trial_id: int, attributes: Mapping[str, Any]) -> None:
        """Set several attributes of a trial in one transaction: all of them, or none."""
        with _create_scoped_session(self.scoped_session, True) as session:
            for name, value in attributes.items():
                self._set_trial_attr_without_commit(
                    session, TrialUserAttributeModel, trial_id, name, value
                )

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """As in the base class; a trial is ended even if the answer to the commit was lost."""
        if state == TrialState.RUNNING:
            return super().set_trial_state_values(trial_id, state, values)
        try:
            return retry_if_disconnected(super().set_trial_state_values)(trial_id, state, values)
        except UpdateFinishedTrialError:
            if self.get_trial(trial_id).state != state:
                raise
            return True


def set_user_attrs(attempt: optuna.Trial, attributes: Mapping[str, Any]) -> None:
    """Set attributes of a running attempt, all of them or none, and faster than one by one.

    Raises:
        UpdateFinishedTrialError: if another process has ended the attempt.
    """
    store: ReconnectingStorage = attempt.study._storage._backend  # type: ignore[attr-defined]
    store.set_trial_user_attrs(attempt._trial_id, attributes)

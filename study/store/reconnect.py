"""A server that restarts: statements that were cut are said again, connections are made again.

A restart ends every connection and whatever was under way on it. What may be said twice without
harm is; the rest ends its process, whose trial is then tried again as after any other death.
"""

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import click
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from tenacity import (
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

P = ParamSpec("P")
T = TypeVar("T")

OUTAGE = 60  # seconds of a silent server that a process waits out
NO_SERVER = 69  # exit status of a process that lost the server (sysexits.h: unavailable)


def again(call: Callable[P, T]) -> Callable[P, T]:
    """The call, made once more where a server's restart cut it; safe if it may happen twice."""

    @functools.wraps(call)
    def patient(*args: P.args, **kwargs: P.kwargs) -> T:
        return _retrying(retry_if_exception(_was_cut))(call, *args, **kwargs)

    return patient


def _was_cut(error: BaseException) -> bool:
    """Whether its connection ended under a statement; Optuna wraps the error that says so.

    Psycopg's errors have a state where the server told it, and None where the server was gone, or
    where a statement was wrong before it was sent, which is no operational error.
    """
    return any(
        one.connection_invalidated
        or (isinstance(one, OperationalError) and getattr(one.orig, "sqlstate", "") is None)
        for one in causes(error)
        if isinstance(one, DBAPIError)
    )


@contextmanager
def losing_the_server(message: str) -> Iterator[None]:
    """End the process with a line where its connection is lost for good, or at the wrong moment."""
    try:
        yield
    except Exception as error:
        if not _was_cut(error):
            raise
        click.echo(message, err=True)
        sys.exit(NO_SERVER)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those that led to it, the last one first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _retrying(condition: Any) -> Retrying:
    return Retrying(
        retry=condition,
        stop=stop_after_delay(OUTAGE),
        wait=wait_random_exponential(multiplier=0.1, max=2),
        reraise=True,
    )


def patient_connect(url: URL) -> Callable[[], Any]:
    """A function that connects, and waits for a server that is not there yet."""
    dialect = url.get_dialect()()
    module = dialect.import_dbapi()
    words, options = dialect.create_connect_args(url)
    if url.get_backend_name() == "sqlite":
        options["timeout"] = OUTAGE

    def connect() -> Any:
        absent = retry_if_exception_type(module.OperationalError)
        connection = _retrying(absent)(module.connect, *words, **options)
        if url.get_backend_name() == "sqlite":
            # Readers do not block the writer, and a commit waits for one sync less.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    return connect


# What reads, or writes the same when it writes twice; the two private ones are how Optuna reads.
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


class PatientStorage(RDBStorage):
    """Optuna's store, which a restart of its server does not disturb.

    Not said again: the making of a trial, which Optuna repeats by itself, and the taking of one,
    of which nobody would know any more who did it.
    """

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return again(found) if name in REPEATABLE else found

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """As of the base class; a trial ended by a commit whose answer was lost has ended."""
        if state == TrialState.RUNNING:
            return super().set_trial_state_values(trial_id, state, values)
        try:
            return again(super().set_trial_state_values)(trial_id, state, values)
        except UpdateFinishedTrialError:
            if self.get_trial(trial_id).state != state:
                raise
            return True

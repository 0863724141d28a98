"""Where trials are stored: SQLite or PostgreSQL, so that they survive dying workers.

Each process signs the attempt that it trains and writes a heartbeat. An attempt whose process died
is failed by whoever looks next: at once if the process was on this machine, otherwise when its
heartbeat has stopped for a while. Its trial is then retried.
"""

import errno
import hashlib
import sqlite3
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import optuna
from filelock import FileLock
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from pipeline.errors import UserError
from pipeline.runtime.address import without_password
from pipeline.runtime.processes import has_died
from study.search.schedule import OWNER
from study.store.reconnect import (
    OUTAGE,
    ReconnectingStorage,
    causes,
    connector,
    retry_if_disconnected,
)

HEARTBEAT = 2  # seconds
# Seconds without a heartbeat after which an attempt on another machine counts as dead; longer than
# an outage of the server, after which all heartbeats are late.
GRACE = OUTAGE + 12


class StorageError(UserError):
    """A store that cannot be opened or used."""


def open_storage(url: str) -> RDBStorage:
    """Open the store at an SQLAlchemy address and create its tables if needed.

    Several processes may do so at once: without a lock, one of two that create SQLite's tables
    would fail.

    Raises:
        StorageError: if the address is wrong or the store cannot be reached.
    """
    parsed = parse_address(url)
    try:
        with StoreLock(url, "create"):
            return retry_if_disconnected(ReconnectingStorage)(
                url,
                engine_kwargs={
                    # A server may be gone since the last statement; a file is not.
                    "pool_pre_ping": parsed.get_backend_name() != "sqlite",
                    "creator": connector(parsed),
                },
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
            )
    except (DBAPIError, ImportError, OSError, ArgumentError) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())[:200]
        raise StorageError(f"--storage {_shown(parsed)} cannot be opened: {reason}") from None


def parse_address(url: str) -> URL:
    """Return the parts of a store's address.

    Raises:
        StorageError: if it is not an address, or one of another kind of database.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the latter of a port that is not a number
        # Not repeated: where its password is, if it has one, cannot be known.
        raise StorageError(
            "--storage is not a database address; write sqlite:///study.db or "
            "postgresql+psycopg://user@host/database"
        ) from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise StorageError(
            f"--storage {_shown(parsed)}: only sqlite and postgresql have the heartbeats that "
            "keep trials safe; use one of them"
        )
    return parsed


def _shown(url: URL) -> str:
    return without_password(url.render_as_string(hide_password=True))


class StoreLock:
    """A lock held by one process at a time among all that use the store, on any machine."""

    def __init__(self, url: str, purpose: str) -> None:
        self._url = parse_address(url)
        self._purpose = purpose
        self._connection: Connection | None = None
        self._file: FileLock | None = None
        if self._url.get_backend_name() == "sqlite":
            database = Path(self._url.database or "study.db").absolute()
            self._file = FileLock(f"{database}.{purpose}.lock")

    def acquire(self) -> None:
        """Wait for the lock and take it."""
        if self._file is not None:
            Path(self._file.lock_file).parent.mkdir(parents=True, exist_ok=True)
            self._file.acquire()
        else:
            self._connection = self._locked_connection()

    @retry_if_disconnected
    def _locked_connection(self) -> Connection:
        engine = create_engine(self._url, creator=connector(self._url), poolclass=NullPool)
        connection = engine.connect()
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": self._key})
        return connection

    @property
    def may_be_lost(self) -> bool:
        """Whether the lock may be lost while held: a server releases it when it restarts."""
        return self._file is None

    def release(self) -> None:
        """Release the lock; do nothing if it is not held."""
        if self._file is not None:
            self._file.release()
        if self._connection is not None:
            # The server releases a lock when its connection ends, even by a restart.
            with suppress(DBAPIError):
                self._connection.close()
            self._connection = None

    @property
    def _key(self) -> int:
        return int.from_bytes(hashlib.sha256(self._purpose.encode()).digest()[:7], "big")

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *details: object) -> None:
        self.release()


def fail_dead_attempts(search: optuna.Study) -> int:
    """Fail the attempts of dead processes; return how many were on this machine."""
    dead = dead_attempts(search)
    for attempt in dead:
        search.tell(attempt.number, state=TrialState.FAIL, skip_if_finished=True)
    optuna.storages.fail_stale_trials(search)
    return len(dead)


def dead_attempts(search: optuna.Study) -> list[FrozenTrial]:
    """Return running attempts whose process on this machine is gone."""
    return [attempt for attempt in search.get_trials(deepcopy=False) if is_dead(attempt)]


def is_dead(attempt: FrozenTrial) -> bool:
    """Whether the store calls it running, but its process on this machine is gone."""
    return attempt.state == TrialState.RUNNING and has_died(attempt.user_attrs.get(OWNER, {}))


@contextmanager
def explain_full_disk(url: str) -> Iterator[None]:
    """Explain in one line that a store on this machine, or its disk, cannot be written.

    Raises:
        StorageError: in place of the original error.
    """
    try:
        yield
    except Exception as error:
        reasons = [str(one) for one in causes(error) if _is_unwritable(one)]
        if not reasons:
            raise
        raise StorageError(
            f"the search's records ({_shown(parse_address(url))} or MLflow's) cannot be written: "
            f"{reasons[-1]}; free some space, then run the same command again: no finished trial "
            "is lost"
        ) from None


def silence_heartbeat_on_full_disk() -> None:
    """Keep the heartbeat's thread from printing a traceback of what one line explains already."""
    print_failure = threading.excepthook

    def hook(failure: threading.ExceptHookArgs) -> None:
        if not any(_is_unwritable(one) for one in causes(failure.exc_value)):
            print_failure(failure)

    threading.excepthook = hook


def _is_unwritable(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    if isinstance(error, sqlite3.OperationalError):
        return any(word in str(error) for word in ("is full", "disk I/O", "readonly"))
    return False


def quiet_optuna() -> None:
    """Silence Optuna's line per trial, which would break up our own display.

    Its heartbeat's retries are marked experimental; they are used on purpose.
    """
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)

"""Where trials are kept: one kind of store, SQLite or PostgreSQL, that survives dying workers.

Each process that runs a trial signs it and writes a heartbeat. A trial of a dead process is failed
by whoever asks next: at once if it was a process of this machine, else when its heartbeat has
stopped for a while. Its turn is then tried again.
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
from pipeline.runtime.processes import has_died
from study.search.schedule import OWNER
from study.store.reconnect import OUTAGE, PatientStorage, again, causes, patient_connect

DEFAULT_URL = "sqlite:///study.db"

HEARTBEAT = 2  # seconds
# Seconds without a heartbeat after which a trial is taken for dead, on other machines than this;
# longer than an outage of the server, after which all hearts are late.
GRACE = OUTAGE + 12


class StorageError(UserError):
    """A store that cannot be opened or used."""


def open_storage(url: str) -> RDBStorage:
    """The store at an SQLAlchemy address, its tables made if need be.

    Safe when several processes do so at once: two that create SQLite's tables together lose one.

    Raises:
        StorageError: if the address is wrong or the store is out of reach.
    """
    parsed = _parse(url)
    try:
        with StoreLock(url, "create"):
            return again(PatientStorage)(
                url,
                engine_kwargs={
                    # A server may have gone since the last statement; a file has not.
                    "pool_pre_ping": parsed.get_backend_name() != "sqlite",
                    "creator": patient_connect(parsed),
                },
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
            )
    except (DBAPIError, ImportError, OSError) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())[:200]
        raise StorageError(f"--storage {_shown(parsed)}: cannot be opened: {reason}") from None


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StorageError(
            f"--storage {url!r}: is no database address; write sqlite:///study.db or "
            "postgresql+psycopg://user@host/database"
        ) from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise StorageError(
            f"--storage {_shown(parsed)}: only sqlite and postgresql have the heartbeats that "
            "keep trials safe"
        )
    return parsed


def _shown(url: URL) -> str:
    """Without its password."""
    return url.render_as_string(hide_password=True)


class StoreLock:
    """Held by one process at a time, of all that use the store, on whichever machine they run."""

    def __init__(self, url: str, purpose: str) -> None:
        self._url = _parse(url)
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

    @again
    def _locked_connection(self) -> Connection:
        engine = create_engine(self._url, creator=patient_connect(self._url), poolclass=NullPool)
        connection = engine.connect()
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": self._key})
        return connection

    @property
    def may_be_lost(self) -> bool:
        """Whether it may go while it is held: a server lets go of it when it restarts."""
        return self._file is None

    def release(self) -> None:
        """Let go of the lock; nothing happens where it is not held."""
        if self._file is not None:
            self._file.release()
        if self._connection is not None:
            # The server lets go of a lock when its connection ends, also by a restart.
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


def reap(search: optuna.Study) -> int:
    """Fail the trials of dead processes; how many."""
    dead = dead_trials(search)
    for trial in dead:
        search.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
    optuna.storages.fail_stale_trials(search)
    return len(dead)


def dead_trials(search: optuna.Study) -> list[FrozenTrial]:
    """Running trials whose process, of this machine, is gone."""
    return [trial for trial in search.get_trials(deepcopy=False) if is_dead(trial)]


def is_dead(trial: FrozenTrial) -> bool:
    """Whether it is running by the store, and its process, of this machine, is gone."""
    return trial.state == TrialState.RUNNING and has_died(trial.user_attrs.get(OWNER, {}))


@contextmanager
def full_disk(url: str) -> Iterator[None]:
    """Tell in one line that a store on this machine, or a disk beside it, cannot be written.

    Raises:
        StorageError: in place of the error that says so.
    """
    try:
        yield
    except Exception as error:
        reasons = [str(one) for one in causes(error) if _says_unwritable(one)]
        if not reasons:
            raise
        raise StorageError(
            f"the search's records ({_shown(_parse(url))} or MLflow's) cannot be written: "
            f"{reasons[-1]}; free some space, then run the same again: no finished trial is lost"
        ) from None


def say_once_that_a_disk_is_full() -> None:
    """Keep the heartbeat from telling in a traceback what ``full_disk`` tells in a line."""
    tell = threading.excepthook

    def hook(failure: threading.ExceptHookArgs) -> None:
        if not any(_says_unwritable(one) for one in causes(failure.exc_value)):
            tell(failure)

    threading.excepthook = hook


def _says_unwritable(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    if isinstance(error, sqlite3.OperationalError):
        return any(word in str(error) for word in ("is full", "disk I/O", "readonly"))
    return False


def quiet_optuna() -> None:
    """Its lines on every trial would stand between those of our own display.

    The heartbeat's retries are marked experimental; they are used on purpose.
    """
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)

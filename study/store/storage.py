"""Where trials are stored: SQLite or PostgreSQL, so that they survive dying workers.

Each process signs the attempt that it trains and writes a heartbeat. An attempt whose process died
is failed by whoever looks next: at once if the process was on this machine, otherwise when its
heartbeat has stopped for a while. Its trial is then retried.
"""

import errno
import hashlib
import shlex
import sqlite3
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Self

import optuna
from filelock import FileLock
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from pipeline.errors import UserError
from pipeline.runtime.address import without_password
from pipeline.runtime.processes import has_died
from pipeline.runtime.sqlite import create_file, unwritable
from study.search.schedule import OWNER
from study.store.address import (
    EmptyStoreError,
    StorageError,
    database_file,
    in_one_line,
    parse_address,
    shown,
)
from study.store.reconnect import (
    OUTAGE,
    ReconnectingStorage,
    announcing,
    causes,
    connector,
    reason_of,
    retry_if_disconnected,
)
from study.store.schema import Content, content_of

HEARTBEAT = 2  # seconds
# Seconds without a heartbeat after which an attempt on another machine counts as dead; longer than
# an outage of the server, after which all heartbeats are late.
GRACE = OUTAGE + 12


def open_storage(url: str, *, create: bool = False, awaited: bool = False) -> RDBStorage:
    """Open a store to write to it.

    Args:
        url: the store's address.
        create: whether to create what is missing; several processes may do so at once.
        awaited: whether to wait for a server that does not answer, because it was there before.

    Raises:
        StorageError: if it cannot be opened and written, holds something else, or is missing.
    """
    parsed, file = parse_address(url), database_file(url)
    if file is not None:
        _require_writable_file(url, file, create)
    with _opening(url):
        if _content(url, awaited) == "trials":
            # Read before it is opened to write to it, which changes a file.
            found = _storage(url, parsed, complete=True, awaited=awaited, read_only=True)
            _require_version(url, found)
            found.engine.dispose()
            return _storage(url, parsed, complete=True, awaited=awaited)
        if not create:
            raise _empty(url)
        # Without a lock, one of two processes that create SQLite's tables would fail.
        with StoreLock(url, "open"):
            if file is not None:
                create_file(file)
            return _storage(url, parsed, complete=False, awaited=awaited)


def read_storage(url: str) -> RDBStorage:
    """Open an existing store to read it: nothing is written, not even beside an SQLite file.

    Raises:
        StorageError: as for ``open_storage``.
    """
    with _opening(url):
        if _content(url) != "trials":
            raise _empty(url)
        storage = _storage(url, parse_address(url), complete=True, read_only=True)
        _require_version(url, storage)
        return storage


def _storage(
    url: str, parsed: URL, *, complete: bool, awaited: bool = False, read_only: bool = False
) -> RDBStorage:
    """Open the store; unless it is complete, create what is missing.

    SQLite's readers connect for each statement: they may look at a file as one that does not
    change, which is right for a moment only.
    """
    is_file = parsed.get_backend_name() == "sqlite"
    pool: dict[str, Any] = {"poolclass": NullPool} if is_file and read_only else {}
    return retry_if_disconnected(ReconnectingStorage)(
        # Optuna fills in what is in braces.
        url.replace("{", "{{").replace("}", "}}"),
        engine_kwargs={
            # A server may be gone since the last statement; a file is not.
            "pool_pre_ping": not is_file,
            "creator": connector(parsed, awaited=awaited, read_only=read_only),
            **pool,
        },
        heartbeat_interval=None if read_only else HEARTBEAT,
        grace_period=None if read_only else GRACE,
        skip_compatibility_check=complete,
        skip_table_creation=complete,
    )


def _content(url: str, awaited: bool = False) -> Content:
    """Return whether a store contains trials or nothing yet, without writing anything.

    Raises:
        StorageError: if it is another program's database.
    """
    parsed, file = parse_address(url), database_file(url)
    if file is not None:
        if not file.exists():
            return "nothing"
        if not file.is_file():
            raise StorageError(f"--storage {shown(url)} is not a file; name the database in it")
    engine = create_engine(
        parsed, creator=connector(parsed, awaited=awaited, read_only=True), poolclass=NullPool
    )
    found = content_of(engine)
    if found == "other":
        raise StorageError(
            f"--storage {shown(url)} is another program's database, and was left as it is; name "
            "another one"
        )
    return found


def _require_version(url: str, storage: RDBStorage) -> None:
    """Require that the tables are of the installed Optuna's version.

    Raises:
        StorageError: if they are not.
    """
    version = storage.get_current_version()
    if version == storage.get_head_version():
        return
    if version in storage.get_all_versions():
        typed = shlex.quote(without_password(url))
        raise StorageError(
            f"--storage {shown(url)} was made by an older Optuna; make a copy of it, then run "
            f"`optuna storage upgrade --storage {typed}`"
        )
    raise StorageError(
        f"--storage {shown(url)} was made by a newer Optuna; use that version, or name another "
        "database"
    )


def _require_writable_file(url: str, file: Path, create: bool) -> None:
    """Require that SQLite can write to a file and its folder, or create them.

    Raises:
        StorageError: if it cannot.
    """
    try:
        if create:
            file.parent.mkdir(parents=True, exist_ok=True)
        blocked = unwritable(file)
    except FileExistsError:
        raise StorageError(f"--storage {shown(url)}: {file.parent} is not a folder") from None
    except OSError as error:
        raise _unopened(url, error) from None
    if blocked is not None:
        raise StorageError(
            f"--storage {shown(url)} cannot be written: no write permission for {blocked}; ask its "
            "owner for it, or name another database"
        )


@contextmanager
def _opening(url: str) -> Iterator[None]:
    """Explain in one line why a store cannot be opened, and say if a locked file is waited for.

    Raises:
        StorageError: in place of the original error.
    """
    try:
        with nullcontext() if database_file(url) is None else announcing(shown(url)):
            yield
    except (DBAPIError, StorageInternalError, sqlite3.Error, ImportError, OSError) as error:
        raise _unopened(url, error) from None


@contextmanager
def explain_unreadable(url: str) -> Iterator[None]:
    """Explain in one line that a store opens but cannot be read, such as a damaged file.

    Raises:
        StorageError: in place of the original error.
    """
    try:
        yield
    except (DBAPIError, StorageInternalError) as error:
        raise StorageError(
            f"{shown(url)} cannot be read: {reason_of(error)}; restore it from a copy, or move it "
            "away"
        ) from None


def _unopened(url: str, error: BaseException) -> StorageError:
    if isinstance(error, ImportError):
        reason = "psycopg is not installed; pip install 'vae-study[postgres]'"
    else:
        reason = reason_of(error)
    return StorageError(f"--storage {shown(url)} cannot be opened: {reason}")


def _empty(url: str) -> EmptyStoreError:
    file = database_file(url)
    missing = ": there is no such file" if file is not None and not file.exists() else ""
    return EmptyStoreError(
        f"{shown(url)} contains no search{missing}; start one with `study run`, or check --storage"
    )


class StoreLock:
    """A lock held by one process at a time among all that use the store, on any machine.

    Args:
        url: the store's address.
        purpose: ``open`` or ``ask``; followed by ``-`` and a search's name, other searches do not
            wait for it if a server stores the trials.
    """

    def __init__(self, url: str, purpose: str) -> None:
        self._url = parse_address(url)
        self._purpose = purpose
        self._connection: Connection | None = None
        self._file: FileLock | None = None
        if self._url.get_backend_name() == "sqlite":
            # One file for all searches, for good: if the file of a lock were removed, two processes
            # could hold the lock, one of them that of the removed file.
            self._file = FileLock(f"{database_file(url)}.{purpose.partition('-')[0]}.lock")

    def acquire(self) -> None:
        """Wait for the lock and take it.

        Raises:
            StorageError: if the folder of an SQLite store cannot be written to.
        """
        if self._file is not None:
            try:
                self._file.acquire()
            except OSError as error:
                raise StorageError(
                    f"{in_one_line(self._file.lock_file)} cannot be locked: {error.strerror}; ask "
                    "its owner for write permission"
                ) from None
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
    except UserError:
        raise
    except Exception as error:
        reasons = [one for one in causes(error) if _is_full(one) or _is_forbidden(one)]
        if not reasons:
            raise
        remedy = "free some space" if _is_full(reasons[-1]) else "ask its owner for permission"
        raise StorageError(
            f"the search's records ({shown(url)} or MLflow's) cannot be written: "
            f"{in_one_line(str(reasons[-1]))}; {remedy}, then run the same command again: no "
            "finished trial is lost"
        ) from None


def silence_heartbeat_on_full_disk() -> None:
    """Keep the heartbeat's thread from printing a traceback of what one line explains already."""
    print_failure = threading.excepthook

    def hook(failure: threading.ExceptHookArgs) -> None:
        if not any(_is_full(one) or _is_forbidden(one) for one in causes(failure.exc_value)):
            print_failure(failure)

    threading.excepthook = hook


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    if isinstance(error, sqlite3.OperationalError):
        return any(word in str(error) for word in ("is full", "disk I/O"))
    return False


def _is_forbidden(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.EACCES, errno.EROFS)
    return isinstance(error, sqlite3.OperationalError) and "readonly" in str(error)


def quiet_optuna() -> None:
    """Silence Optuna's line per trial, which would break up our own display.

    Its heartbeat's retries are marked experimental; they are used on purpose.
    """
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)

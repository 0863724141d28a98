"""Processes that share a store: their lock, the attempts of those that died, and a full disk.

Each process signs the attempt that it trains and writes a heartbeat. An attempt whose process died
is failed by whoever looks next: at once if the process was on this machine, otherwise when its
heartbeat has stopped for a while. Its trial is then retried.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

import optuna
from filelock import FileLock
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from pipeline.errors import UserError, brief
from pipeline.runtime.causes import causes
from pipeline.runtime.faults import remedy_to_write
from pipeline.runtime.processes import has_died
from study.search.schedule import OWNER
from study.store.address import (
    StorageError,
    database_file,
    parse_address,
    shown,
)
from study.store.notices import announcing
from study.store.reconnect import (
    connector,
    retry_if_disconnected,
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
                    f"{brief(self._file.lock_file)} cannot be locked: {error.strerror}; ask "
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


@contextmanager
def announced_lock(url: str, purpose: str) -> Iterator[None]:
    """Hold a lock of a store, and say so if it has to be waited for."""
    lock = StoreLock(url, purpose)
    with announcing(f"the lock of {shown(url)}"):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


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
        found = [(one, remedy) for one in causes(error) if (remedy := remedy_to_write(one))]
        if not found:
            raise
        reason, remedy = found[-1]
        raise StorageError(
            f"the search's records ({shown(url)} or MLflow's) cannot be written: "
            f"{brief(str(reason))}; {remedy}, then run the same command again: no finished "
            "trial is lost"
        ) from None


def silence_heartbeat_on_full_disk() -> None:
    """Keep the heartbeat's thread from printing a traceback of what one line explains already."""
    print_failure = threading.excepthook

    def hook(failure: threading.ExceptHookArgs) -> None:
        if not any(map(remedy_to_write, causes(failure.exc_value))):
            print_failure(failure)

    threading.excepthook = hook

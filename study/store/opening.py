"""Stores are opened: to read them, to write to them, or to create them.

What is in a database is looked at before Optuna opens it, which would add its tables to any.
"""

import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from pipeline.runtime.address import without_password
from pipeline.runtime.causes import reason_of
from pipeline.runtime.sqlite import create_file, unwritable
from study.store.address import (
    EmptyStoreError,
    StorageError,
    database_file,
    parse_address,
    shown,
)
from study.store.reconnect import (
    OUTAGE,
    ReconnectingStorage,
    connector,
    retry_if_disconnected,
)
from study.store.schema import Content, content_of
from study.store.storage import announced_lock

HEARTBEAT = 2  # seconds
# Seconds without a heartbeat after which an attempt on another machine counts as dead; longer than
# an outage of the server, after which all heartbeats are late.
GRACE = OUTAGE + 12


def open_storage(url: str, *, create: bool = False, awaited: bool = False) -> ReconnectingStorage:
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
        with announced_lock(url, "open"):
            if file is not None:
                create_file(file)
            return _storage(url, parsed, complete=False, awaited=awaited)


def read_storage(url: str) -> ReconnectingStorage:
    """Open an existing store to read it: nothing is written, not even next to an SQLite file.

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
) -> ReconnectingStorage:
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
            f"--storage {shown(url)} was made by an older Optuna; back it up, then run "
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
    """Explain in one line why a store cannot be opened.

    Raises:
        StorageError: in place of the original error.
    """
    try:
        yield
    except (DBAPIError, StorageInternalError, sqlite3.Error, ImportError, OSError) as error:
        raise _unopened(url, error) from None


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

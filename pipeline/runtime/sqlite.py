"""SQLite files: made with the user's permissions, and read without writing anything beside them."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

READ_WAIT = 15  # seconds that a reader waits for a process that has locked the file
_WAL = b"\x02\x02"  # bytes 18 and 19 of the header of a file with a write-ahead log


def create_file(path: Path) -> None:
    """Create an empty database if there is none, readable and writable as the umask says.

    SQLite itself ignores the umask's group bits. It gives a log the permissions of its database.
    """
    path.touch(mode=0o666)


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open an existing database to read it; creates and changes no file, whoever owns them.

    A plain read-only connection would create the two files of the write-ahead log if they are
    missing, and leave them there, or fail in a folder that it cannot write to. If they are missing,
    nobody has the database open and the file is complete, so it is read as one that does not
    change. Close the connection soon: writers may come.

    Raises:
        OSError: if the file is missing or cannot be read.
        sqlite3.Error: if it is not a database.
    """
    with path.open("rb") as file:
        has_log = file.read(20)[18:] == _WAL
    log, index = (path.with_name(f"{path.name}-{suffix}") for suffix in ("wal", "shm"))
    if not has_log:
        mode = "mode=ro"
    elif not log.exists() or log.stat().st_size == 0:
        mode = "mode=ro&immutable=1"
    elif index.exists():
        mode = "mode=ro&readonly_shm=1"
    else:
        mode = "mode=ro"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=READ_WAIT,
        check_same_thread=False,
    )


def table_names(path: Path) -> set[str]:
    """Return the names of the tables of a database, without writing anything.

    Raises:
        OSError: if the file is missing or cannot be read.
        sqlite3.Error: if it is not a database.
    """
    with closing(connect_read_only(path)) as database:
        rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in rows}


def unwritable(path: Path) -> Path | None:
    """Return what must be writable to write to a database, but is not; None if all is.

    Besides the file, these are its log and its folder, or the one in which its folder is created.
    """
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    logs = [path.with_name(f"{path.name}-{suffix}") for suffix in ("wal", "shm")]
    needed = [folder, *(one for one in (path, *logs) if one.exists())]
    return next((one for one in needed if not os.access(one, os.W_OK)), None)

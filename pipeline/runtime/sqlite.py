"""SQLite files: made with the user's permissions, and read without writing anything."""

import errno
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

READ_WAIT = 15  # seconds that a reader waits for a process that has locked the file


def create_file(path: Path) -> None:
    """Create an empty database if there is none, readable and writable as the umask says.

    SQLite itself ignores the umask's group bits. It gives a log the permissions of its database.
    """
    path.touch(mode=0o666)


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open an existing database to read it; creates and changes no file, whoever owns them.

    A plain read-only connection to a file with a write-ahead log would create the log's two files
    if they are missing, and leave them there, or fail in a folder that it cannot write to. Without
    a log, nobody is writing and the file is complete, so it is read as one that does not change. A
    log without its index is a copy's, which nobody writes to either: another copy of both is read,
    because SQLite removes a log that is damaged. Close the connection soon: writers may come.

    The file must never be opened in another way, not even to look at its header: closing it would
    end all locks that this process's other connections hold, and another process could then remove
    their log.

    Raises:
        FileNotFoundError, IsADirectoryError: if there is no such file.
        sqlite3.Error: if it cannot be read, or is not a database.
    """
    if not path.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    log, index, journal = (
        path.with_name(f"{path.name}-{suffix}") for suffix in ("wal", "shm", "journal")
    )
    if _has_content(log) and not index.exists():
        return _connect_to_copy(path, log)
    is_complete = not _has_content(log) and not _has_content(journal)
    options = "&immutable=1" if is_complete else ""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro{options}",
        uri=True,
        timeout=READ_WAIT,
        check_same_thread=False,
    )


def _connect_to_copy(path: Path, log: Path) -> sqlite3.Connection:
    """Open a copy of a database and its log, which lasts as long as the connection."""
    with tempfile.TemporaryDirectory(prefix="vae-study-") as folder:
        for one in (path, log):
            shutil.copyfile(one, Path(folder, one.name))
        connection = sqlite3.connect(Path(folder, path.name), check_same_thread=False)
        try:
            connection.execute("PRAGMA schema_version").fetchall()  # opens all files
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


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

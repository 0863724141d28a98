"""SQLite files are made with the user's permissions, and read without a trace."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.runtime.sqlite import connect_read_only, create_file, table_names, unwritable


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A closed database with a write-ahead log, and one row."""
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE numbers (number)")
        writer.execute("INSERT INTO numbers VALUES (1)")
    return path


def read(path: Path) -> list[int]:
    with closing(connect_read_only(path)) as reader:
        return [number for (number,) in reader.execute("SELECT number FROM numbers")]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_reading_a_closed_database_leaves_nothing_beside_it(database: Path) -> None:
    before = contents(database.parent)
    assert list(before) == ["a.db"]
    assert read(database) == [1]
    assert table_names(database) == {"numbers"}
    assert contents(database.parent) == before


def test_what_a_killed_writer_committed_is_read_and_its_files_are_left_alone(
    database: Path,
) -> None:
    code = (
        "import os, sqlite3, sys; writer = sqlite3.connect(sys.argv[1]);"
        "writer.execute('INSERT INTO numbers VALUES (2)'); writer.commit(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, database], check=False)
    before = contents(database.parent)
    assert sorted(before) == ["a.db", "a.db-shm", "a.db-wal"]
    assert read(database) == [1, 2]
    after = contents(database.parent)
    assert sorted(after) == sorted(before)
    # The index, which is never read from the disk again, notes who reads.
    assert all(after[name] == before[name] for name in ("a.db", "a.db-wal"))


def test_a_copy_of_a_database_in_use_is_read_without_a_trace(database: Path) -> None:
    """Whoever copies a file and its log leaves out the index, which is worth nothing elsewhere."""
    copy = database.parent / "copy" / "a.db"
    copy.parent.mkdir()
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("INSERT INTO numbers VALUES (2)")
        writer.commit()
        for suffix in ("", "-wal"):
            shutil.copy(f"{database}{suffix}", f"{copy}{suffix}")
    before = contents(copy.parent)
    assert sorted(before) == ["a.db", "a.db-wal"]
    assert read(copy) == [1, 2]
    assert table_names(copy) == {"numbers"}
    assert contents(copy.parent) == before


def test_reading_does_not_end_the_locks_of_this_process(database: Path) -> None:
    """Otherwise another process would take itself for the last one, and remove the log."""
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("INSERT INTO numbers VALUES (2)")
        writer.commit()
        assert read(database) == [1, 2]
        code = (
            "import sqlite3, sys; other = sqlite3.connect(sys.argv[1]);"
            "other.execute('SELECT * FROM numbers').fetchall(); other.close()"
        )
        subprocess.run([sys.executable, "-c", code, database], check=True)
        assert database.with_name("a.db-wal").exists()
        writer.execute("INSERT INTO numbers VALUES (3)")
        writer.commit()
        assert read(database) == [1, 2, 3]
    assert read(database) == [1, 2, 3]


def test_rows_of_a_writer_that_is_alive_are_read(database: Path) -> None:
    with closing(sqlite3.connect(database)) as writer:
        for number in (2, 3):
            writer.execute("INSERT INTO numbers VALUES (?)", (number,))
            writer.commit()
            assert read(database)[-1] == number


def test_a_reader_cannot_write_or_create(database: Path) -> None:
    with (
        closing(connect_read_only(database)) as reader,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        reader.execute("INSERT INTO numbers VALUES (2)")
    missing = database.with_name("missing.db")
    with pytest.raises(FileNotFoundError):
        connect_read_only(missing)
    assert not missing.exists()


def test_the_umask_decides_about_a_database_and_its_log(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    umask = os.umask(0o002)
    try:
        create_file(path)
        with closing(sqlite3.connect(path)) as writer:
            writer.execute("PRAGMA journal_mode=WAL")
            writer.execute("CREATE TABLE numbers (number)")
            modes = {one.name: one.stat().st_mode & 0o777 for one in tmp_path.iterdir()}
    finally:
        os.umask(umask)
    assert modes == dict.fromkeys(("a.db", "a.db-shm", "a.db-wal"), 0o664)


def test_a_damaged_log_stays(tmp_path: Path) -> None:
    """SQLite itself would remove it, with whatever could still be saved from it."""
    database = tmp_path / "a.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE numbers (number INTEGER)")
    log = database.with_name("a.db-wal")
    log.write_bytes(b"damaged" * 1000)
    assert table_names(database) == {"numbers"}
    assert log.read_bytes() == b"damaged" * 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.db", "a.db-wal"]


@pytest.mark.parametrize("forbidden", ["a.db", "a.db-wal", ""])
def test_what_has_to_be_writable(
    database: Path, forbidden: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.with_name("a.db-wal").touch()
    assert unwritable(database) is None
    # Whoever is root may write everywhere.
    blocked = database.parent / forbidden if forbidden else database.parent
    monkeypatch.setattr(os, "access", lambda path, mode: path != blocked)
    assert unwritable(database) == blocked
    assert unwritable(database.parent / "new" / "b.db") == (None if forbidden else blocked)

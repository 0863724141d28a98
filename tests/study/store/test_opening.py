"""Stores are read without a trace, and refused in one line if they cannot be used."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from click.testing import Result

from study.outcome import fanova
from study.store.address import StorageError
from study.store.opening import open_storage, read_storage
from study.store.storage import StoreLock, explain_full_disk
from tests.study.conftest import URL, study
from tests.study.store.conftest import NAME, make_search

READERS = [
    ["list"],
    ["list", "--json"],
    ["status"],
    ["best"],
    ["show", "3"],
    ["importance"],
    ["export", "--out", "../exported"],
]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def require_one_line(result: Result, words: str) -> None:
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def change(statement: str, *values: object) -> None:
    with closing(sqlite3.connect("study.db")) as database, database:
        database.execute(statement, values)


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_reading_writes_nothing_beside_the_store(
    search: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanova, "RESAMPLES", 1)
    before = contents(search)
    result = study(*command)
    assert result.exit_code == 0, result.stderr
    assert contents(search) == before


def test_reading_writes_nothing_into_the_store(search: Path) -> None:
    with pytest.raises(optuna.exceptions.StorageInternalError):
        optuna.load_study(study_name=NAME, storage=read_storage(URL)).set_user_attr("note", 1)


@pytest.mark.parametrize(
    "command", [*READERS[2:], ["rerun", "0"], ["delete", NAME, "--yes"]], ids=" ".join
)
def test_a_store_that_does_not_exist_is_not_created(folder: Path, command: list[str]) -> None:
    result = study(*command, "--storage", "sqlite:///mistyped/study.db")
    require_one_line(result, "contains no search: there is no such file; start one with")
    assert not list(folder.iterdir())


def test_the_list_of_a_store_that_does_not_exist_is_empty(folder: Path) -> None:
    result = study("list")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "contains no search: there is no such file" in result.stdout
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "is not a database address"),
        ("study.db", "is not a database address"),
        ("postgresql+psycopg:///\udcff", "is not a database address"),
        ("postgresql+psycopg://u:pw@h:port/d", "is not a database address"),
        ("mysql://u:pw@h/d", "mysql://u:***@h/d: only sqlite and postgresql"),
        ("postgresql+nodriver://u:pw@h/d", "driver nodriver is not supported"),
        ("sqlite+aiosqlite:///study.db", "driver aiosqlite is not supported"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://study.db", "with three slashes"),
        ("sqlite:///~/study.db", "write the whole path"),
        ("sqlite:///study.db?mode=ro", "takes no options"),
        ("sqlite:///.", "is not a file"),
        ("sqlite:////dev/zero", "is not a file"),
        (f"sqlite:///{'d' * 300}.db", "File name too long"),
        ("sqlite:///notes.txt/study.db", "notes.txt is not a folder"),
        ("sqlite:///notes.txt", "file is not a database"),
    ],
)
def test_an_address_that_can_hold_no_search_is_refused(
    folder: Path, address: str, reason: str
) -> None:
    (folder / "notes.txt").write_text("no database, but long enough to be taken for one" * 100)
    before = contents(folder)
    with pytest.raises(StorageError) as refused:
        open_storage(address, create=True)
    assert reason in refused.value.message
    assert "\n" not in refused.value.message
    assert contents(folder) == before


def test_an_address_is_shown_in_one_short_line(folder: Path) -> None:
    result = study("status", "--storage", f"sqlite:///a\n\x1b[31m{'b' * 150}{'/c' * 150}")
    require_one_line(result, r"sqlite:///a \x1b[31mbbb")
    assert len(result.stderr) < 350


@pytest.mark.parametrize(
    "tables",
    [
        ["CREATE TABLE mine (number)"],
        ["CREATE TABLE trials (number)"],  # a name of Optuna's
        ["CREATE TABLE mine (number)", "CREATE TABLE alembic_version (version_num)"],
        ["CREATE TABLE alembic_version (version_num)", "INSERT INTO alembic_version VALUES ('a')"],
    ],
)
def test_the_database_of_another_program_is_refused_and_left_alone(
    folder: Path, tables: list[str]
) -> None:
    for statement in tables:
        change(statement)
    before = contents(folder)
    require_one_line(study("list"), "is another program's database, and was left as it is")
    with pytest.raises(StorageError, match="is another program's database"):
        open_storage(URL, create=True)
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        ("v3.0.0.d", "run `optuna storage upgrade --storage sqlite:///study.db`"),
        ("v99.0.0.a", "made by a newer Optuna; use that version"),
    ],
)
def test_a_store_of_another_version_is_refused_with_a_remedy_and_left_alone(
    search: Path, version: str, remedy: str
) -> None:
    change("UPDATE alembic_version SET version_num = ?", version)
    before = contents(search)
    for command in (["list"], ["best"], ["delete", NAME, "--yes"]):
        require_one_line(study(*command), remedy)
    with pytest.raises(StorageError):
        open_storage(URL, create=True)
    assert contents(search) == before


def test_tables_that_a_kill_left_incomplete_are_completed(folder: Path) -> None:
    open_storage(URL, create=True).engine.dispose()
    change("DROP TABLE trial_heartbeats")
    change("DELETE FROM alembic_version")
    assert "contains no search; start one" in study("list").stdout
    storage = open_storage(URL, create=True)
    assert storage.get_current_version() == storage.get_head_version()
    make_search()
    assert study("best").exit_code == 0


def test_names_that_mean_something_to_optuna_or_sqlite_are_plain_names(folder: Path) -> None:
    for name in ("{x}.db", "a#b.db", "a\udcffb.db"):
        make_search(f"sqlite:///{name}")
        assert (folder / name).exists()
        assert study("best", "--storage", f"sqlite:///{name}").exit_code == 0


@pytest.fixture
def umask_of_a_group() -> Iterator[None]:
    before = os.umask(0o002)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask_of_a_group")
def test_a_store_and_its_locks_get_the_mode_of_the_umask(folder: Path) -> None:
    open_storage(URL, create=True).engine.dispose()
    with StoreLock(URL, "ask-made-up"):
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == dict.fromkeys(("study.db", "study.db.ask.lock", "study.db.open.lock"), 0o664)


def test_a_store_that_cannot_be_written_is_refused_in_one_line(
    search: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: path != search)
    require_one_line(study("delete", NAME, "--yes"), f"no write permission for {search}; ask its")
    assert study("best").exit_code == 0


def test_a_store_that_becomes_read_only_is_explained_in_one_line(search: Path) -> None:
    with pytest.raises(StorageError) as explained, explain_full_disk(URL):
        optuna.load_study(study_name=NAME, storage=read_storage(URL)).set_user_attr("note", 1)
    assert "attempt to write a readonly database; ask for write permission" in str(explained.value)


def test_locks_do_not_pile_up(folder: Path) -> None:
    for name in ("one", "two"):
        make_search(name=name)
        with StoreLock(URL, f"ask-{name}"):
            pass
        assert study("delete", name, "--yes").exit_code == 0
    locks = {path.name for path in folder.glob("*.lock")}
    assert locks == {"study.db.open.lock", "study.db.ask.lock"}


def test_a_damaged_store_is_one_line_from_every_command(search: Path) -> None:
    with (search / "study.db").open("r+b") as file:
        file.seek(4096 * 2)
        file.write(b"\xff" * 4096 * 20)
    for command in (["list"], ["best"], ["delete", NAME, "--yes"]):
        require_one_line(study(*command), "database disk image is malformed")


def test_only_a_store_to_write_to_has_heartbeats(search: Path) -> None:
    assert read_storage(URL).get_heartbeat_interval() is None
    assert open_storage(URL).get_heartbeat_interval() is not None

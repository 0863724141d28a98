"""Stores: wrong addresses, damaged and edited databases, and those of other programs."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from benchmarks.fuzz.case import SECRET, Case

Command = tuple[str, ...]
# A worker takes seconds, so only few inputs may start one.
READ: tuple[Command, ...] = (
    ("list",),
    ("list", "--json"),
    ("status",),
    ("status", "--name", "first", "--json"),
    ("best", "-n", "2"),
    ("show", "1"),
    ("show", "0", "--json"),
    ("importance",),
    ("export",),
    ("doctor",),
    ("doctor", "--fix", "--json"),
    ("delete", "first", "--yes"),
    ("rerun", "0", "--data", "none.safetensors"),
    ("run", "--from", "first", "--data", "none.safetensors"),
    ("worker", "--name", "first", "--data", "none.safetensors"),
)
SCHEMES = (
    *("sqlite", "sqlite", "sqlite+pysqlite", "sqlite+nothing", "SQLite", "postgresql"),
    *("postgresql+psycopg", "postgresql+psycopg2", "postgresql+nothing", "postgres", "mysql"),
    *("oracle", "redis", "http", "file", "", "1", "a" * 300),
)
PASSWORDS = (
    SECRET,
    f"{SECRET}@#/?:",
    f":{SECRET}",
    f"{SECRET}%2Fx%",
    f"a {SECRET}\n",
    f"é{SECRET}",
)
HOSTS = ("127.0.0.1", "localhost", "", "[::1]", "[::1", "256.1.1.1", "a b", "x" * 300)
PORTS = ("", ":1", ":1", ":0", ":99999", ":-1", ":port", f":{SECRET}")
PATHS = (
    *("", "/", "/study.db", "/study.db", "//study.db", "/new.db", "/no/such/folder/x.db"),
    *("/../outside.db", "/data", "/params.yaml", "/mlflow.db", "//dev/null", "//proc/self/mem"),
    *(
        "/~/x.db",
        "/$HOME/x.db",
        "/x\n.db",
        "/x\x1b[31m.db",
        "/%00",
        "/%2e%2e/x",
        "/{x}",
        "/:memory:",
    ),
    *("/" + "x" * 300, "/" + "x/" * 2000 + "x", "/study.db/x", "/ ", "/é\udcff.db"),
)
QUERIES = (
    *("", "", "", "?", "?mode=ro", "?mode=nothing&uri=true", "?timeout=long", "?x=y&x=z", "#part"),
    *(f"?password={SECRET}", f"?sslpassword={SECRET}&sslmode=no", "?connect_timeout=x"),
    *("?host=/tmp", "?service=none", "?check_same_thread=maybe", "?factory=os.system"),
)
VALUES: tuple[Any, ...] = (
    *(
        None,
        "",
        "x",
        -1,
        0,
        3,
        2**63 - 1,
        1e308,
        float("inf"),
        float("nan"),
        b"\xff\x00",
        "é\n\x1b[",
    ),
    *("null", "[]", "{}", '{"a": 1}', "1e999", "x" * 5000, "[" * 5000, "../../x", "RUNNING", "TPE"),
)
TABLES = {
    "another program's": "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)",
    "Optuna's names": "CREATE TABLE studies (x); CREATE TABLE trials (y)",
    "a view": "CREATE TABLE a (b); CREATE VIEW studies AS SELECT b AS study_id FROM a",
    "MLflow's names": "CREATE TABLE experiments (x); CREATE TABLE runs (y)",
    "no table": "PRAGMA user_version = 7",
}


def cases(random: random.Random, folder: Path) -> Iterator[Case]:
    """Yield stores.

    Args:
        random: decides them.
        folder: the project, whose databases are damaged in copies.
    """
    whole = {name: (folder / name).read_bytes() for name in ("study.db", "mlflow.db")}
    trials = (folder / "results" / "trials.csv").read_bytes()
    while True:
        command = random.choice(READ)
        kind = random.choice(("addresses", "addresses", "databases", "databases", "rows", "rows"))
        if kind == "addresses":
            yield _address(command, random)
        elif random.random() < 0.1:
            damaged = _damage(trials, random)
            words = ("run", "--from", "trials.csv", "--data", "none.safetensors")
            yield Case("tables", words, {"trials.csv": damaged})
        else:
            name = "study.db" if random.random() < 0.8 else "mlflow.db"
            if name == "mlflow.db":
                command = random.choice((("doctor",), ("where",), ("doctor", "--fix")))
            change = _edit if kind == "rows" else _replace
            files = {name: change(whole[name], random)}
            if random.random() < 0.1:  # what a kill, or a copy without them, leaves
                files[name + random.choice(("-wal", "-shm", "-journal"))] = random.randbytes(4000)
            yield Case(kind, command, files)


def _address(command: Command, random: random.Random) -> Case:
    """Return a case with an address in an option or in the environment."""
    user = f"user:{random.choice(PASSWORDS)}@" if random.random() < 0.5 else ""
    host = f"{user}{random.choice(HOSTS)}{random.choice(PORTS)}" if random.random() < 0.6 else ""
    scheme = random.choice(SCHEMES)
    address = f"{scheme}://{host}{random.choice(PATHS)}{random.choice(QUERIES)}"
    if random.random() < 0.1:
        cut = random.randrange(len(address))
        address = address[:cut] + random.choice(("", ":", "/", "\n", "@")) + address[cut + 1 :]
    if random.random() < 0.15:
        command = random.choice((("where",), ("where", "--json"), ("doctor",)))
        return Case("addresses", command, environment={"MLFLOW_TRACKING_URI": address})
    if random.random() < 0.2:
        return Case("addresses", command, environment={"VAE_STORAGE": address})
    return Case("addresses", (*command, f"--storage={address}"))


def _replace(whole: bytes, random: random.Random) -> bytes:
    """Return a damaged database, or another program's."""
    if random.random() < 0.6:
        return _damage(whole, random)
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(TABLES[random.choice(list(TABLES))])
        return database.serialize()


def _damage(content: bytes, random: random.Random) -> bytes:
    """Return content that is cut, overwritten, or of something else."""
    at = random.randrange(len(content))
    end = min(len(content), at + random.choice((1, 16, 1000, 50_000)))
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: b"",
        lambda: content[:at],
        lambda: content[: random.randrange(200)],
        lambda: content[:at] + random.randbytes(end - at) + content[end:],
        lambda: content[:at] + bytes(end - at) + content[end:],
        lambda: content[:at] + content[end:],
        lambda: content + random.randbytes(1000),
        lambda: random.randbytes(5000),
        lambda: b"a text, and no database\n" * 100,
    )
    return random.choice(ways)()


def _edit(whole: bytes, random: random.Random) -> bytes:
    """Return a database with some edited, missing or repeated rows, or another schema."""
    # In memory there is no log, so for the time being the header must not promise one.
    modes, plain = whole[18:20], b"\x01\x01"
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(whole[:18] + plain + whole[20:])
        found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        tables = [name for (name,) in found if not name.startswith("sqlite_")]
        database.execute("PRAGMA ignore_check_constraints = ON")
        for _ in range(random.choice((1, 1, 1, 2, 5))):
            with suppress(sqlite3.Error):  # such as a key that must be unique
                _edit_once(database, random.choice(tables), random)
        database.commit()
        edited = database.serialize()
    return edited[:18] + modes + edited[20:]


def _edit_once(database: sqlite3.Connection, table: str, random: random.Random) -> None:
    columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
    if not columns:  # dropped before
        return
    column = random.choice(columns)
    chosen = f'rowid IN (SELECT rowid FROM "{table}" ORDER BY rowid % ? LIMIT 1)'  # noqa: S608
    row = random.randrange(1, 20)
    way = random.random()
    if way < 0.75:
        query = f'UPDATE "{table}" SET "{column}" = ? WHERE {chosen}'  # noqa: S608
        database.execute(query, (random.choice(VALUES), row))
    elif way < 0.85:
        database.execute(f'DELETE FROM "{table}" WHERE {chosen}', (row,))  # noqa: S608
    elif way < 0.9:
        database.execute(f'DELETE FROM "{table}"')  # noqa: S608
    elif way < 0.95:
        database.execute(f'DROP TABLE "{table}"')
    else:
        database.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "{column}_1"')

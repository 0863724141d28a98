"""Addresses of stores: which are accepted, and how they are shown."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UserError, brief
from pipeline.runtime.address import without_password

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

DRIVERS = {"sqlite": "pysqlite", "postgresql": "psycopg"}
EXAMPLES = "write sqlite:///study.db or postgresql+psycopg://user@host/database"
MOST_SHOWN = 160  # characters of an address
_PLAIN_FILE = re.compile(r"sqlite:///((?!file:|:memory:|~)[^?]+)")


class StorageError(UserError):
    """A store that cannot be opened or used."""


class EmptyStoreError(StorageError):
    """A store to be read that no search has been stored in, or that does not exist."""


def parse_address(url: str) -> "URL":
    """Return the parts of a store's address.

    Raises:
        StorageError: if it is not an address, or one of a store that could never hold a search.
    """
    # Imported here: it takes a sixth of a second, for which readers of a file need not wait.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
        backend, driver = parsed.get_backend_name(), parsed.get_driver_name()
        if backend == "postgresql":  # a file's name may be of another encoding
            url.encode()
    # The latter of what is not text, or of a port that is not a number.
    except (ArgumentError, ValueError):
        # Not repeated: where its password is, if it has one, cannot be known.
        raise StorageError(f"--storage is not a database address; {EXAMPLES}") from None
    if backend not in DRIVERS:
        raise _refused(
            url,
            "only sqlite and postgresql have the heartbeats that keep trials safe; use one of them",
        )
    if driver != DRIVERS[backend]:
        raise _refused(url, f"driver {driver} is not supported; {EXAMPLES}")
    if backend == "sqlite":
        _require_file_address(url, parsed)
    return parsed


def _require_file_address(url: str, parsed: "URL") -> None:
    name = parsed.database or ""
    if parsed.host or parsed.username or parsed.port:
        raise _refused(url, "a file has no host; write sqlite:///study.db, with three slashes")
    if name in ("", ":memory:") or name.startswith("file:"):
        raise _refused(url, "names no file; write sqlite:///study.db")
    if parsed.query:
        raise _refused(url, "a file takes no options after ?; leave them out")
    if name.startswith("~"):
        whole = "write the whole path, such as sqlite:////home/me/study.db"
        raise _refused(url, f"~ is not a folder in an address; {whole}")


def database_file(url: str) -> Path | None:
    """Return the absolute path of an SQLite store; None if a server stores the trials.

    Raises:
        StorageError: as for ``parse_address``.
    """
    plain = _PLAIN_FILE.fullmatch(url)
    if plain:
        return Path(plain[1]).absolute()
    parsed = parse_address(url)
    name = parsed.database or ""
    return Path(name).absolute() if parsed.get_backend_name() == "sqlite" else None


def shown(url: str) -> str:
    """Return an address in one short line, without its password."""
    return brief(without_password(url), MOST_SHOWN)


def _refused(url: str, reason: str) -> StorageError:
    return StorageError(f"--storage {shown(url)}: {reason}")

"""Stores are opened to read them: an SQLite file quickly if it is in order, else by Optuna."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from optuna.exceptions import StorageInternalError

from pipeline.runtime.causes import reason_of
from study.store.address import StorageError, database_file, shown
from study.store.reader import FileReader, is_readable

if TYPE_CHECKING:
    from study.store.reconnect import ReconnectingStorage

Store: TypeAlias = "FileReader | ReconnectingStorage"
T = TypeVar("T")

# What reading an edited row raises: of a wrong state or time, of a wrong distribution, value or
# attribute, and the checks of `rows`.
UNREADABLE = (
    StorageInternalError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RecursionError,
)


class UnreadableError(StorageError):
    """A store, or a row in it, that cannot be used."""


def read_from(url: str, load: Callable[[Store], T]) -> T:
    """Return what is loaded from a store.

    What the quick reader cannot read is read again by Optuna, so that either gives the same errors.

    Args:
        url: the store's address.
        load: what to load; it is called twice where the quick reader fails.

    Raises:
        StorageError: if the store cannot be opened or read.
    """
    file = database_file(url)
    if file is not None and is_readable(file):
        with suppress(UnreadableError, *UNREADABLE):
            return load(FileReader(file))
    # Imported here, because it imports SQLAlchemy, which takes a third of a second.
    from study.store.opening import read_storage

    with explain_unreadable(url):
        return load(read_storage(url))


@contextmanager
def explain_unreadable(url: str) -> Iterator[None]:
    """Explain in one line that a store opens but cannot be read, such as a damaged file.

    Raises:
        StorageError: in place of the original error.
    """
    try:
        yield
    except StorageInternalError as error:
        raise StorageError(
            f"{shown(url)} cannot be read: {reason_of(error)}; restore it from a copy, or move it "
            "away"
        ) from None

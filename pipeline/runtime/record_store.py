"""Where MLflow's records are stored: a database on this machine, or a server that may be away."""

import atexit
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import UserError
from pipeline.runtime.address import without_password
from pipeline.runtime.background import run_shielded
from pipeline.runtime.causes import reason_of
from pipeline.runtime.faults import is_unwritable
from pipeline.runtime.mlflow_client import (
    MlflowClient,
    MlflowException,
    request_timeout,
)
from pipeline.runtime.outbox import Outbox

T = TypeVar("T")


class Store(Protocol):
    """Where records are stored."""

    @property
    def client(self) -> MlflowClient:
        """MLflow's client, for reading in the main thread."""

    @property
    def is_away(self) -> bool:
        """Whether it is a server that does not answer."""

    def write(self, record: str, call: Callable[[MlflowClient], T]) -> Future[T]:
        """Write to a record, whose name is for messages."""

    def write_files(
        self, record: str, folder: Path, call: Callable[[MlflowClient, Path], object]
    ) -> None:
        """Write a folder's files, which may be gone when this returns."""

    def read(self, call: Callable[[MlflowClient], T]) -> T:
        """Return what a call returns.

        Raises:
            ServerAwayError: if a server does not answer.
        """

    def result(self, future: Future[T]) -> T | None:
        """Return the result of a write; None if it fails, or has to wait for a server."""

    def close(self, *, hurry: bool = False) -> bool:
        """Wait for all writes while the server answers; return whether all were made."""


class FileStore:
    """A database on this machine: each write is made when it returns, and no signal cuts it off."""

    is_away = False

    def __init__(self, uri: str) -> None:
        self.client = MlflowClient(uri)

    def write(self, record: str, call: Callable[[MlflowClient], T]) -> Future[T]:
        """Write to a record.

        Raises:
            UserError: if the disk is full.
        """
        return completed(self.read(call))

    def write_files(
        self, record: str, folder: Path, call: Callable[[MlflowClient, Path], object]
    ) -> None:
        """Write a folder's files."""
        self.write(record, lambda client: call(client, folder))

    def read(self, call: Callable[[MlflowClient], T]) -> T:
        """Return what a call returns."""
        try:
            return run_shielded(call, self.client)
        except (MlflowException, SQLAlchemyError, OSError) as error:
            if not is_unwritable(error):
                raise
            raise unwritable_records(error) from error

    def result(self, future: Future[T]) -> T | None:
        """Return the result of a write."""
        return future.result()

    def close(self, *, hurry: bool = False) -> bool:
        """Return that everything is written."""
        return True


class ServerStore:
    """A server, which may be away: writes do not wait for it.

    Args:
        uri: its address.
        announces: whether to report its outages, and at the end which records are incomplete.
    """

    def __init__(self, uri: str, *, announces: bool = True) -> None:
        self._uri = uri
        self._client: MlflowClient | None = None
        self._kept: list[Path] = []  # copies of files
        # A bit more, so that the call itself says why it has no answer.
        self._outbox = Outbox(
            f"MLflow at {without_password(uri)}", request_timeout() + 1, announces=announces
        )
        atexit.register(self.close)  # for those who could not close it themselves

    @property
    def client(self) -> MlflowClient:
        """MLflow's client; connects if necessary."""
        if self._client is None:
            self._client = MlflowClient(self._uri)
        return self._client

    @property
    def is_away(self) -> bool:
        """Whether the server does not answer."""
        return self._outbox.is_away

    def write(self, record: str, call: Callable[[MlflowClient], T]) -> Future[T]:
        """Write to a record soon."""
        return self._outbox.write(record, lambda: call(self.client))

    def write_files(
        self, record: str, folder: Path, call: Callable[[MlflowClient, Path], object]
    ) -> None:
        """Write a folder's files soon, from a copy."""
        kept = Path(tempfile.mkdtemp(prefix="vae-study-"))
        self._kept.append(kept)
        shutil.copytree(folder, kept, dirs_exist_ok=True)

        def write(client: MlflowClient) -> None:
            call(client, kept)
            shutil.rmtree(kept, ignore_errors=True)

        self.write(record, write)

    def read(self, call: Callable[[MlflowClient], T]) -> T:
        """Return what a call returns, after everything that is to be written before.

        Raises:
            ServerAwayError: if the server does not answer.
        """
        return self._outbox.read(lambda: call(self.client))

    def result(self, future: Future[T]) -> T | None:
        """Return the result of a write; None if it fails, or has to wait for the server."""
        return self._outbox.result(future)

    def close(self, *, hurry: bool = False) -> bool:
        """Wait for all writes while the server answers; return whether all were made."""
        atexit.unregister(self.close)
        try:
            return self._outbox.close(hurry=hurry)
        finally:
            for folder in self._kept:
                shutil.rmtree(folder, ignore_errors=True)


def unwritable_records(error: Exception) -> UserError:
    """Return the error for records that the disk has no place for."""
    return UserError(
        f"MLflow's records cannot be written: {reason_of(error)}; check the free space, then run "
        "the same command again"
    )


def completed(result: T) -> Future[T]:
    """Return a future that has its result."""
    future: Future[T] = Future()
    future.set_result(result)
    return future

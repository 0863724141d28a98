"""Open an experiment in MLflow: in the folder's own database, in another file, or on a server."""

import os
import shlex
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from filelock import FileLock
from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from pipeline.errors import UserError, brief
from pipeline.files import PARTIAL
from pipeline.runtime.address import without_password, without_secrets
from pipeline.runtime.faults import is_unwritable
from pipeline.runtime.mlflow_client import MlflowClient, MlflowException
from pipeline.runtime.record_store import FileStore, completed, unwritable_records
from pipeline.runtime.sqlite import create_file, table_names, unwritable
from pipeline.schemas.where import MLFLOW_ARTEFACTS, MLFLOW_DATABASE

# Makes MLflow's pages show the runs first, not traces of language models.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}

ON_THIS_MACHINE = ("sqlite", "file:", "/", ".")  # beginnings of addresses of files
DATABASES = ("postgresql", "mysql", "mssql")  # beginnings of addresses of databases on servers


def experiment_id_of(name: str, client: MlflowClient) -> str:
    """Return the ID of an experiment, after creating or restoring it if necessary."""
    found = client.get_experiment_by_name(name)
    if found is None:
        return _create_experiment(client, name)
    if found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def find_experiment(name: str, client: MlflowClient) -> str | None:
    """Return the ID of an experiment; None if there is none, or it was deleted."""
    found = client.get_experiment_by_name(name)
    return None if found is None or found.lifecycle_stage != "active" else str(found.experiment_id)


def database_file(uri: str) -> Path | None:
    """Return the file of an SQLite address; None if it is another address.

    Raises:
        UserError: if it names no file.
    """
    if not uri.startswith("sqlite"):
        return None
    try:
        name = make_url(uri).database or ""
    except (ArgumentError, ValueError):  # the latter of a port that is not a number
        name = ""
    if name in ("", ":memory:") or name.startswith(("file:", "~")):
        raise UserError(
            f"MLFLOW_TRACKING_URI {brief(without_password(uri))}: names no file; write the whole "
            "path, such as sqlite:////home/me/mlflow.db, or unset it"
        )
    return Path(name)


def require_file(uri: str) -> None:
    """Reject an SQLite address whose file is no MLflow database; create a file with its mode."""
    path = database_file(uri)
    if path is not None and path.parent.is_dir():
        _require_database(path)
        create_file(path)


def has_tables(uri: str) -> bool:
    """Return whether MLflow has a store at an address; it would make one in an empty database."""
    if not uri.startswith(DATABASES):
        return True
    engine = create_engine(uri)
    try:
        return inspect(engine).has_table("experiments")
    finally:
        engine.dispose()


def _require_database(path: Path) -> None:
    """Reject a file that is no MLflow database at once.

    MLflow would retry for a minute and crash if it is damaged, and add its tables to another
    program's.

    Raises:
        UserError: if there is such a file.
    """
    remedy = "move it away, which loses the MLflow runs but no results"
    try:
        if not path.exists() or path.stat().st_size == 0:
            return
        tables = table_names(path)
    except (sqlite3.Error, OSError) as error:
        if is_unwritable(error):  # reading needs files too
            raise unwritable_records(error) from None
        raise UserError(f"{path}: is not a valid database ({error}); {remedy}") from None
    if tables and not tables >= {"experiments", "runs"}:
        raise UserError(f"{path}: is another program's database, not MLflow's; move it away")
    blocked = unwritable(path)
    if blocked is not None:
        raise UserError(
            f"{path}: cannot be written: no write permission for {blocked}; ask its owner for it"
        )


def _create_database(path: Path) -> None:
    """Create a new database with MLflow's tables under a temporary name, then rename it.

    If MLflow were killed while creating them in place, it could never open the database again.
    """
    if path.exists() and path.stat().st_size > 0:
        return
    for left_by_a_kill in path.parent.glob(f"{PARTIAL}[0-9]*-{path.name}*"):
        left_by_a_kill.unlink(missing_ok=True)
    temporary = path.with_name(f"{PARTIAL}{os.getpid()}-{path.name}")
    with store_errors(f"sqlite:///{temporary}"):
        create_file(temporary)
        MlflowClient(f"sqlite:///{temporary}").search_experiments(max_results=1)
        temporary.replace(path)


@contextmanager
def store_errors(uri: str) -> Iterator[None]:
    """Report in one line that a store cannot be opened."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, ImportError, OSError, ValueError) as error:
        if is_unwritable(error):
            raise unwritable_records(error) from None
        shown = without_password(uri)
        reason = brief(without_secrets(str(error), uri))
        if "out-of-date database schema" in reason:
            raise UserError(
                f"the MLflow store {shown} was made by another version of MLflow; back it up, "
                f"then run `mlflow db upgrade {shlex.quote(shown)}`, or use that version"
            ) from None
        raise UserError(
            f"the MLflow store {shown} cannot be opened: {reason}; set MLFLOW_TRACKING_URI to one "
            "that can, or unset it"
        ) from None


def _create_experiment(client: MlflowClient, name: str) -> str:
    try:
        return str(client.create_experiment(name, tags=EXPERIMENT_TAGS))
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)  # created by another process in the meantime


def open_local_experiment(root: Path, experiment: str) -> tuple[FileStore, Future[str]]:
    """Open the experiment in the folder's own database.

    Two processes that create the database at the same time would break it for good, so all of this
    is behind a lock. MLflow stores an absolute path to the artefacts, which would be wrong after
    the folder is moved. We store a path relative to the folder, which ``mlflow ui`` resolves too.
    """
    uri = f"sqlite:///{root / MLFLOW_DATABASE}"
    if {"?", "%"} & set(str(root)):
        raise UserError(
            f"{root}: a folder with ? or % in its path cannot hold MLflow's database, since these "
            "characters have a meaning in its URL; rename it, or set MLFLOW_TRACKING_URI"
        )
    _require_database(root / MLFLOW_DATABASE)
    with FileLock(root / f"{MLFLOW_DATABASE}.lock"):
        _create_database(root / MLFLOW_DATABASE)
        with store_errors(uri):
            store = FileStore(uri)
            experiment_id = store.read(partial(experiment_id_of, experiment))
        location = f"{MLFLOW_ARTEFACTS}/{experiment}"
        with closing(sqlite3.connect(root / MLFLOW_DATABASE, timeout=60)) as database, database:
            # From now on readers, such as `mlflow ui`, do not block writers.
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(
                "UPDATE experiments SET artifact_location = ? "
                "WHERE experiment_id = ? AND artifact_location <> ?",
                (location, experiment_id, location),
            )
    return store, completed(experiment_id)

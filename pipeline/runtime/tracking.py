"""Log runs to MLflow. This is the only module that imports it.

By default, runs are stored in ``mlflow.db`` and ``mlruns/`` in the current folder, where
``mlflow ui`` finds them without options; ``MLFLOW_TRACKING_URI`` moves them to a server.
"""

import logging
import os
import shlex
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, cast

import psutil
from filelock import FileLock
from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import UserError
from pipeline.files import PARTIAL
from pipeline.runtime.address import without_password
from pipeline.runtime.background import Shielded
from pipeline.runtime.processes import has_died, identity, is_of_earlier_boot
from pipeline.runtime.sqlite import create_file, table_names, unwritable
from pipeline.schemas.where import MLFLOW_ARTEFACTS, MLFLOW_DATABASE

# Set before the import, during which MLflow decides whether to send telemetry.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, ViewType
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
    MLFLOW_USER,
)

# It logs each step of creating its database, in between our own output.
logging.getLogger("mlflow").setLevel(logging.WARNING)
# It logs the traceback of each failed statement before raising the error anyway.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


@event.listens_for(Engine, "connect")
def _sync_less(connection: object, record: object) -> None:
    """Sync once less per commit, which halves its time; killed processes still lose nothing."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=NORMAL")


# Makes MLflow's pages show the runs first, not traces of language models.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}

MOST_METRICS = 1000  # per transaction, a limit of MLflow

Status = Literal["FINISHED", "FAILED", "KILLED"]
Epoch = tuple[int, Mapping[str, float]]  # number and metrics


@dataclass(frozen=True, slots=True)
class MlflowRecord:
    """One run in MLflow."""

    client: MlflowClient
    run_id: str

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log metrics in one transaction."""
        self.log_epochs([(step, metrics)])

    def log_epochs(self, epochs: Iterable[Epoch]) -> None:
        """Log the metrics of several epochs in as few transactions as MLflow allows."""
        now = int(time.time() * 1000)
        numbers = [
            Metric(name, value, now, step)
            for step, metrics in epochs
            for name, value in metrics.items()
        ]
        for start in range(0, len(numbers), MOST_METRICS):
            self.client.log_batch(self.run_id, numbers[start : start + MOST_METRICS])

    def log_dataset(self, name: str, digest: str, context: str) -> None:
        """Log the data set that the run used.

        Args:
            name: name of the data set.
            digest: hash of its content; MLflow keeps the first 36 characters.
            context: what it was used for, such as ``training``.
        """
        dataset = Dataset(name=name, digest=digest[:36], source_type="local", source=name)
        tag = InputTag("mlflow.data.context", context)
        self.client.log_inputs(self.run_id, datasets=[DatasetInput(dataset, [tag])])

    def log_files(self, folder: Path, under: str = "") -> None:
        """Log all files of a folder as artefacts.

        Raises:
            UserError: if they cannot be stored, for example because the disk is full.
        """
        try:
            self.client.log_artifacts(self.run_id, str(folder), under or None)
        except (OSError, MlflowException) as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"the artefacts of an MLflow run cannot be kept: {reason}; check the free space "
                f"and {MLFLOW_ARTEFACTS}/"
            ) from None

    def mark(self, key: str, value: str) -> None:
        """Set the tag ``vae.<key>``."""
        self.client.set_tag(self.run_id, f"vae.{key}", value)

    def marked(self, key: str) -> str:
        """Return the tag ``vae.<key>``; empty if it is not set."""
        return str(self.client.get_run(self.run_id).data.tags.get(f"vae.{key}", ""))

    def status(self) -> str:
        """Return the run's status in the store."""
        return str(self.client.get_run(self.run_id).info.status)

    def finish(self, status: Status = "FINISHED", reason: str = "") -> None:
        """End the run and store the reason in the tag ``vae.reason``."""
        if reason:
            self.client.set_tag(self.run_id, "vae.reason", reason)
        self.client.set_terminated(self.run_id, status)


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as found in the store."""

    run_id: str
    status: str
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class Tracker:
    """One experiment in MLflow."""

    client: MlflowClient
    experiment_id: str

    @classmethod
    def open(cls, experiment: str, repair: bool = True) -> Self:
        """Open an experiment, and create it if needed; safe if several processes do so at once.

        Args:
            experiment: its name.
            repair: whether to mark runs as KILLED that a dead process of this machine left open.
        """
        uri = os.environ.get("MLFLOW_TRACKING_URI")
        if uri:
            _require_file(uri)
            tracker = cls(*_open_experiment(uri, experiment))
        else:
            tracker = cls(*_open_local_experiment(Path.cwd(), experiment))
        if repair:
            tracker.close_dead_runs()
        return tracker

    def start(
        self,
        name: str,
        params: Mapping[str, object],
        parent: str | None = None,
        commit: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> MlflowRecord:
        """Start a run, nested under ``parent`` if one is given.

        Args:
            name: name in the list of runs.
            params: settings by name.
            parent: run id of the parent.
            commit: commit of the code.
            tags: further tags.
        """
        source = {
            MLFLOW_USER: psutil.Process().username(),
            MLFLOW_SOURCE_NAME: Path(sys.argv[0]).name,
            MLFLOW_SOURCE_TYPE: "LOCAL",
        }
        nested = {MLFLOW_PARENT_RUN_ID: parent} if parent else {}
        committed = {MLFLOW_GIT_COMMIT: commit} if commit else {}
        run = self.client.create_run(
            self.experiment_id,
            run_name=name,
            tags=identity() | source | nested | committed | dict(tags or {}),
        )
        self.client.log_batch(
            run.info.run_id, params=[Param(key, str(value)) for key, value in params.items()]
        )
        return MlflowRecord(self.client, run.info.run_id)

    @contextmanager
    def run(
        self,
        name: str,
        params: Mapping[str, object],
        parent: str | None = None,
        commit: str = "",
    ) -> Iterator[MlflowRecord]:
        """Start a run that ends with the block: FINISHED, KILLED by an interrupt, or FAILED."""
        record = self.start(name, params, parent, commit)
        try:
            yield record
        except KeyboardInterrupt:
            record.finish("KILLED", "interrupted by the user")
            raise
        except BaseException as error:
            record.finish("FAILED", f"{type(error).__name__}: {error}")
            raise
        record.finish()

    def resume(self, run_id: str) -> MlflowRecord | None:
        """Return an existing run; None if it is not in this store or was deleted."""
        if not run_id:
            return None
        try:
            run = self.client.get_run(run_id)
        except MlflowException:
            return None
        return MlflowRecord(self.client, run_id) if run.info.lifecycle_stage == "active" else None

    def reopen(self, run_id: str) -> MlflowRecord | None:
        """Reopen a finished run and make this process its owner; None as for ``resume``."""
        record = self.resume(run_id)
        if record is not None:
            self.client.update_run(run_id, "RUNNING")
            for key, value in identity().items():
                self.client.set_tag(run_id, key, value)
        return record

    def close_dead_runs(self) -> int:
        """Mark runs as KILLED that dead processes of this machine left open; return how many."""
        closed = 0
        for run in self.dead_runs():
            record = MlflowRecord(self.client, run.run_id)
            record.finish("KILLED", "its process died without closing the run")
            closed += 1
        return closed

    def dead_runs(self) -> list[RecordedRun]:
        """Return the open runs of dead processes of this machine."""
        running = self._runs("attributes.status = 'RUNNING'")
        return [run for run in running if has_died(run.tags) or is_of_earlier_boot(run.tags)]

    def children(self, parent: str) -> list[RecordedRun]:
        """Return all runs nested under a run, oldest first."""
        return list(self._runs(f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{parent}'"))

    def _runs(self, where: str) -> Iterator[RecordedRun]:
        token: str | None = None
        while True:
            page = self.client.search_runs(
                [self.experiment_id],
                where,
                ViewType.ACTIVE_ONLY,
                max_results=1000,
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )
            for run in page:
                yield RecordedRun(run.info.run_id, run.info.status, run.data.tags)
            token = page.token
            if not token:
                return


def _open_experiment(uri: str, experiment: str) -> tuple[MlflowClient, str]:
    with _store_errors(uri):
        client = cast(MlflowClient, Shielded(MlflowClient(uri)))
        found = client.get_experiment_by_name(experiment)
        if found is None:
            return client, _create_experiment(client, experiment)
        if found.lifecycle_stage != "active":
            client.restore_experiment(found.experiment_id)
        return client, str(found.experiment_id)


def _require_file(uri: str) -> None:
    """Reject an SQLite address whose file is no MLflow database; create a file with its mode."""
    _, is_file, name = uri.partition("sqlite:///")
    path = Path(name.partition("?")[0])
    if is_file and path.parent.is_dir():
        _require_database(path)
        create_file(path)


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
    for left_by_a_kill in path.parent.glob(f"{PARTIAL}*{path.name}*"):
        left_by_a_kill.unlink(missing_ok=True)
    temporary = path.with_name(f"{PARTIAL}{os.getpid()}-{path.name}")
    with _store_errors(f"sqlite:///{temporary}"):
        create_file(temporary)
        MlflowClient(f"sqlite:///{temporary}").search_experiments(max_results=1)
        temporary.replace(path)


@contextmanager
def _store_errors(uri: str) -> Iterator[None]:
    """Report in one line that a store cannot be opened."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        shown = without_password(uri)
        reason = " ".join(str(error).replace(uri, shown).split())[:200]
        if "out-of-date database schema" in reason:
            raise UserError(
                f"the MLflow store {shown} was made by another version of MLflow; make a copy of "
                f"it, then run `mlflow db upgrade {shlex.quote(shown)}`, or use that version"
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


def _open_local_experiment(root: Path, experiment: str) -> tuple[MlflowClient, str]:
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
        client, experiment_id = _open_experiment(uri, experiment)
        location = f"{MLFLOW_ARTEFACTS}/{experiment}"
        with closing(sqlite3.connect(root / MLFLOW_DATABASE, timeout=60)) as database, database:
            # From now on readers, such as `mlflow ui`, do not block writers.
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(
                "UPDATE experiments SET artifact_location = ? "
                "WHERE experiment_id = ? AND artifact_location <> ?",
                (location, experiment_id, location),
            )
    return client, experiment_id

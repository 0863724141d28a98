"""Log runs to MLflow.

By default, runs are stored in ``mlflow.db`` and ``mlruns/`` in the current folder, where
``mlflow ui`` finds them without options; ``MLFLOW_TRACKING_URI`` moves them to a server. Writes to
a server do not wait for it, so that its outage costs no run; see ``outbox``.
"""

import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from pipeline.runtime.creation import UNCONFIRMED, created, creation
from pipeline.runtime.faults import is_outage
from pipeline.runtime.mlflow_client import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
    MLFLOW_USER,
    MlflowClient,
    MlflowException,
    PagedList,
    Run,
    ViewType,
)
from pipeline.runtime.mlflow_record import MlflowRecord, Status, now
from pipeline.runtime.opening import (
    ON_THIS_MACHINE,
    experiment_id_of,
    find_experiment,
    has_tables,
    open_local_experiment,
    require_file,
    store_errors,
)
from pipeline.runtime.outbox import ServerAwayError
from pipeline.runtime.processes import DIED, has_died, identity, is_of_earlier_boot
from pipeline.runtime.record_store import (
    FileStore,
    ServerStore,
    Store,
    completed,
)
from pipeline.schemas.where import MLFLOW_DATABASE

__all__ = ["MlflowClient", "MlflowRecord", "RecordedRun", "Status", "Tracker"]


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as found in the store."""

    run_id: str
    status: str
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class Tracker:
    """One experiment in MLflow. As a context, it waits at the end until a server has everything.

    Attributes:
        store: where it is stored.
        experiment: its ID, which a server may still have to tell.
    """

    store: Store
    experiment: Future[str]

    @classmethod
    def open(cls, experiment: str, repair: bool = True, wait: bool = True) -> Self:
        """Open an experiment of the store at MLFLOW_TRACKING_URI, or in the folder's own.

        It is created if needed; safe if several processes do so at once.

        Args:
            experiment: its name.
            repair: whether to mark runs as KILLED that a dead process of this machine left open.
            wait: whether a server has to answer now. If not, somebody else is to report its outages
                and to repair what this process leaves.

        Raises:
            UserError: if the store cannot be opened.
        """
        uri = os.environ.get("MLFLOW_TRACKING_URI", "")
        if not uri:
            tracker = cls(*open_local_experiment(Path.cwd(), experiment))
        elif uri.startswith(ON_THIS_MACHINE):
            require_file(uri)
            with store_errors(uri):
                file = FileStore(uri)
                tracker = cls(file, completed(experiment_id_of(experiment, file.client)))
        else:
            identify = partial(experiment_id_of, experiment)
            with store_errors(uri):
                server = ServerStore(uri, announces=wait)
                if not wait:
                    return cls(server, server.write("", identify))
                tracker = cls(server, completed(server.read(identify)))
        if repair:
            with store_errors(uri or f"sqlite:///{MLFLOW_DATABASE}"):
                tracker.close_dead_runs()
        return tracker

    @classmethod
    def find(cls, experiment: str, uri: str) -> Self | None:
        """Open an experiment to read it: nothing is created, restored or repaired.

        Args:
            experiment: its name.
            uri: address of the store.

        Returns:
            The tracker; None if there is no such experiment.

        Raises:
            UserError: if the store cannot be opened.
        """
        with store_errors(uri):
            if not has_tables(uri):
                return None
            is_here = uri.startswith(ON_THIS_MACHINE)
            store: Store = FileStore(uri) if is_here else ServerStore(uri)
            found = store.read(partial(find_experiment, experiment))
        return None if found is None else cls(store, completed(found))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(hurry=kind is not None and issubclass(kind, KeyboardInterrupt))

    def close(self, *, hurry: bool = False) -> bool:
        """Wait until a server has everything, but not for one that is away.

        Args:
            hurry: whether to wait for a few seconds only.

        Returns:
            Whether everything is written. If not, one line has said whose records are incomplete.
        """
        return self.store.close(hurry=hurry)

    @property
    def client(self) -> MlflowClient:
        """MLflow's client, for reading."""
        return self.store.client

    @property
    def experiment_id(self) -> str:
        """The experiment's ID."""
        return self.experiment.result()

    def start(
        self,
        name: str,
        params: Mapping[str, object],
        parent: str | Future[str] | None = None,
        commit: str = "",
        tags: Mapping[str, str] | None = None,
        started: int | None = None,
    ) -> MlflowRecord:
        """Start a run, nested under ``parent`` if one is given.

        Args:
            name: name in the list of runs.
            params: settings by name.
            parent: run id of the parent, which a server may still have to assign.
            commit: commit of the code.
            tags: further tags.
            started: when it started, in milliseconds since 1970; by default now.
        """
        source = {
            MLFLOW_USER: psutil.Process().username(),
            MLFLOW_SOURCE_NAME: Path(sys.argv[0]).name,
            MLFLOW_SOURCE_TYPE: "LOCAL",
        }
        committed = {MLFLOW_GIT_COMMIT: commit} if commit else {}
        every = identity() | source | committed | dict(tags or {})
        moment = now() if started is None else started
        key = uuid.uuid4().hex if isinstance(self.store, ServerStore) else ""
        create = creation(self.experiment, name, every, parent, moment, key)
        record = MlflowRecord(self.store, name, self.store.write(name, create), key)
        record.log_params(params)
        return record

    @contextmanager
    def run(
        self,
        name: str,
        params: Mapping[str, object],
        parent: str | Future[str] | None = None,
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

    def resume(self, run_id: str, name: str = "") -> MlflowRecord | None:
        """Return an existing run; None if it is not in this store or was deleted.

        If the server is away, the run is taken to exist.

        Args:
            run_id: its ID, or the reference to a run that had none yet.
            name: for messages.
        """
        name = name or f"run {run_id}"
        find = partial(self._find, run_id)
        try:
            found = self.store.read(find) if run_id else ""
        except ServerAwayError:
            has_id = not run_id.startswith(UNCONFIRMED)
            run = completed(run_id) if has_id else self.store.write(name, find)
            return MlflowRecord(self.store, name, run)
        except MlflowException:
            return None
        return MlflowRecord(self.store, name, completed(found)) if found else None

    def _find(self, reference: str, client: MlflowClient) -> str:
        """Return the ID of the run that a reference means; empty if it is gone."""
        if reference.startswith(UNCONFIRMED):
            return created(self.experiment, reference.removeprefix(UNCONFIRMED), client)
        run = client.get_run(reference)
        return reference if run.info.lifecycle_stage == "active" else ""

    def reopen(
        self, run_id: str, name: str = "", owner: Mapping[str, str] | None = None
    ) -> MlflowRecord | None:
        """Reopen a finished run; None as for ``resume``.

        Args:
            run_id: of the run.
            name: for messages.
            owner: identity of the process that owns it from now on; by default of this one.
        """
        record = self.resume(run_id, name)
        if record is not None:
            self.own(run_id, owner, record.name)
        return record

    def own(
        self, run_id: str, owner: Mapping[str, str] | None = None, name: str = ""
    ) -> Future[None]:
        """Make sure that a run is open and has its owner, unless it was deleted.

        Args:
            run_id: of the run.
            owner: as for ``reopen``.
            name: for messages; by default there are none if this cannot be written.

        Returns:
            When it is done.
        """

        def make_own(client: MlflowClient) -> None:
            try:
                run = client.get_run(run_id)
            except MlflowException as error:
                if is_outage(error):
                    raise
                return  # deleted for good
            if run.info.lifecycle_stage != "active":
                return
            if run.info.status != "RUNNING":
                client.update_run(run_id, "RUNNING")
            if "vae.reason" in run.data.tags:
                client.delete_tag(run_id, "vae.reason")  # of an end that was not the last
            for key, value in (owner or identity()).items():
                if run.data.tags.get(key) != value:
                    client.set_tag(run_id, key, value)

        return self.store.write(name, make_own)

    def close_dead_runs(self) -> int:
        """Mark runs as KILLED that dead processes of this machine left open; return how many."""
        closed = 0
        for run in self.dead_runs():
            record = MlflowRecord(self.store, f"run {run.run_id}", completed(run.run_id))
            record.finish("KILLED", DIED)
            closed += 1
        return closed

    def dead_runs(self) -> list[RecordedRun]:
        """Return the open runs of dead processes of this machine."""
        running = self._runs("attributes.status = 'RUNNING'")
        return [run for run in running if has_died(run.tags) or is_of_earlier_boot(run.tags)]

    def children(self, parent: str) -> list[RecordedRun]:
        """Return all runs nested under a run, oldest first."""
        if not parent.isalnum():  # it would be a part of the filter, and is no run's id
            return []
        return list(self._runs(f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{parent}'"))

    def _runs(self, where: str) -> Iterator[RecordedRun]:
        token: str | None = None
        while True:
            page = self.store.read(partial(self._page, where, token))
            for run in page:
                yield RecordedRun(run.info.run_id, run.info.status, run.data.tags)
            token = page.token
            if not token:
                return

    def _page(self, where: str, token: str | None, client: MlflowClient) -> PagedList[Run]:
        return client.search_runs(
            [self.experiment.result()],
            where,
            ViewType.ACTIVE_ONLY,
            max_results=1000,
            order_by=["attributes.start_time ASC"],
            page_token=token,
        )

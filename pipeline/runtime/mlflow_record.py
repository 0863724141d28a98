"""One run in MLflow: its numbers, files and tags, and how it ends."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import UserError, brief
from pipeline.runtime.address import without_secrets
from pipeline.runtime.creation import UNCONFIRMED
from pipeline.runtime.mlflow_client import (
    Dataset,
    DatasetInput,
    InputTag,
    Metric,
    MlflowClient,
    MlflowException,
    Param,
    Run,
)
from pipeline.runtime.record_store import Store
from pipeline.schemas.where import MLFLOW_ARTEFACTS

MOST_METRICS = 1000  # per transaction, a limit of MLflow

Status = Literal["FINISHED", "FAILED", "KILLED"]
Epoch = tuple[int, Mapping[str, float]]  # number and metrics


@dataclass(frozen=True, slots=True)
class MlflowRecord:
    """One run in MLflow.

    Attributes:
        store: where it is stored.
        name: for messages.
        run: its ID, which the server may still have to assign.
        creation: identifies a run that was created here before it has an ID; see ``creation``.
    """

    store: Store
    name: str
    run: Future[str]
    creation: str = ""

    @property
    def run_id(self) -> str:
        """The run's ID; empty if the server is away and has not assigned it yet."""
        return self.store.result(self.run) or ""

    @property
    def reference(self) -> str:
        """What ``Tracker.resume`` finds the run by, also if it has no ID yet."""
        return self.run_id or f"{UNCONFIRMED}{self.creation}"

    @property
    def client(self) -> MlflowClient:
        """MLflow's client, for reading."""
        return self.store.client

    def write(self, call: Callable[[MlflowClient, str], object]) -> None:
        """Make a call that writes, with MLflow's client and the run's ID."""
        self.store.write(self.name, lambda client: call(client, self.run.result()))

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log metrics in one transaction."""
        self.log_epochs([(step, metrics)])

    def log_epochs(self, epochs: Iterable[Epoch]) -> None:
        """Log the metrics of several epochs in as few transactions as MLflow allows."""
        moment = now()
        numbers = [
            Metric(name, value, moment, step)
            for step, metrics in epochs
            for name, value in metrics.items()
        ]
        for start in range(0, len(numbers), MOST_METRICS):
            batch = numbers[start : start + MOST_METRICS]
            self.write(partial(log_batch, metrics=batch))

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log settings; those that the run has already stay as they are."""
        values = [Param(key, str(value)) for key, value in params.items()]
        self.write(partial(log_batch, params=values))

    def last_step(self, metric: str) -> int:
        """Return the last step at which the store has a metric; -1 if it has none."""
        history = self.store.read(
            lambda client: client.get_metric_history(self.run.result(), metric)
        )
        return max((one.step for one in history), default=-1)

    def log_dataset(self, name: str, digest: str, context: str) -> None:
        """Log the data set that the run used.

        Args:
            name: name of the data set.
            digest: hash of its content; MLflow keeps the first 36 characters.
            context: what it was used for, such as ``training``.
        """
        dataset = Dataset(name=name, digest=digest[:36], source_type="local", source=name)
        inputs = [DatasetInput(dataset, [InputTag("mlflow.data.context", context)])]
        self.write(lambda client, run_id: client.log_inputs(run_id, datasets=inputs))

    def log_files(self, folder: Path, under: str = "") -> None:
        """Log all files of a folder as artefacts.

        Raises:
            UserError: if they cannot be stored, for example because the disk is full.
        """
        try:
            self.store.write_files(
                self.name,
                folder,
                lambda client, kept: client.log_artifacts(
                    self.run.result(), str(kept), under or None
                ),
            )
        except (OSError, MlflowException, UserError) as error:
            reason = brief(str(error))
            raise UserError(
                f"the artefacts of an MLflow run cannot be kept: {reason}; check the free space "
                f"and {MLFLOW_ARTEFACTS}/"
            ) from None

    def mark(self, key: str, value: str) -> None:
        """Set the tag ``vae.<key>``."""
        self.write(lambda client, run_id: client.set_tag(run_id, f"vae.{key}", value))

    def unmark(self, key: str) -> None:
        """Remove the tag ``vae.<key>``, which must be set."""
        self.write(lambda client, run_id: client.delete_tag(run_id, f"vae.{key}"))

    def marked(self, key: str) -> str:
        """Return the tag ``vae.<key>``; empty if it is not set."""
        return str(self._read().data.tags.get(f"vae.{key}", ""))

    def status(self) -> str:
        """Return the run's status in the store."""
        return str(self._read().info.status)

    def _read(self) -> Run:
        return self.store.read(lambda client: client.get_run(self.run.result()))

    def finish(
        self, status: Status = "FINISHED", reason: str = "", ended: int | None = None
    ) -> None:
        """End the run and store the reason in the tag ``vae.reason``.

        Args:
            status: the run's outcome.
            reason: why it is not FINISHED.
            ended: when it ended, in milliseconds since 1970; by default now.
        """
        moment = now() if ended is None else ended

        def end(client: MlflowClient, run_id: str) -> None:
            if reason:
                client.set_tag(run_id, "vae.reason", without_secrets(reason))
            client.set_terminated(run_id, status, moment)

        self.write(end)


def log_batch(client: MlflowClient, run_id: str, **batch: Any) -> None:
    """Log metrics or parameters in one transaction."""
    client.log_batch(run_id, **batch)


def now() -> int:
    """Return the time as MLflow has it: in milliseconds."""
    return int(time.time() * 1000)

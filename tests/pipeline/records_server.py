"""A server for MLflow's records that can go away, made of a database file."""

from pathlib import Path

import pytest
from mlflow.entities import Run

from pipeline.runtime import outbox, tracking
from pipeline.runtime.record_store import MlflowClient, ServerStore
from pipeline.schemas.where import MLFLOW_DATABASE


class RecordsServer:
    """Answers unless ``is_down``; use ``client`` to look into it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_down = False
        self.client = MlflowClient(f"sqlite:///{folder / MLFLOW_DATABASE}")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / MLFLOW_DATABASE}")
        monkeypatch.setattr(tracking, "ON_THIS_MACHINE", ())
        monkeypatch.setattr(outbox, "LAST_ATTEMPT", 0.5)
        monkeypatch.setattr(outbox, "LONGEST_PAUSE", 0.05)
        monkeypatch.setattr(ServerStore, "client", property(lambda store: self.connect()))

    def connect(self) -> MlflowClient:
        if self.is_down:
            raise ConnectionRefusedError(111, "Connection refused")
        return self.client

    def children(self, experiment: str = "vae-grid") -> dict[str, list[Run]]:
        """The runs that are nested under each other run, by its ID."""
        found = self.client.get_experiment_by_name(experiment)
        assert found is not None
        nested: dict[str, list[Run]] = {}
        for run in self.client.search_runs([found.experiment_id]):
            above = run.data.tags.get("mlflow.parentRunId", "")
            nested.setdefault(above or run.info.run_id, []).extend([run] if above else [])
        return nested

    def runs(self, experiment: str = "vae-grid") -> dict[str, str]:
        """The status of each run, by its name."""
        found = self.client.get_experiment_by_name(experiment)
        assert found is not None
        runs = self.client.search_runs([found.experiment_id])
        assert len({run.info.run_name for run in runs}) == len(runs)
        return {str(run.info.run_name): run.info.status for run in runs}

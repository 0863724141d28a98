"""Tracking in MLflow: complete, free of races, movable, correct about dead processes."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from pipeline.errors import UserError
from pipeline.runtime.processes import HOST, PID, PID_STARTED
from pipeline.runtime.tracking import Tracker
from pipeline.schemas.where import MLFLOW_DATABASE
from tests.conftest import ROOT
from tests.pipeline.records_server import RecordsServer


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def here(empty_folder: Path, empty_records: Path) -> Path:
    """A folder with a database that has no runs yet: copying one is faster than making one."""
    shutil.copy(empty_records, empty_folder / MLFLOW_DATABASE)
    return empty_folder


def test_a_run_is_recorded_completely(here: Path) -> None:
    tracker = Tracker.open("vae-grid")
    parent = tracker.start("grid", {"epochs": 2})
    record = tracker.start("linear-2/seed-0", {"beta": 1.0, "clip_norm": None}, parent.run_id)
    record.log_dataset("mnist-5k", "f" * 64, "training")
    for epoch in (1, 2):
        record.log_metrics({"valid/elbo": -100.0 / epoch, "train/kl": 3.0}, epoch)
    (here / "files").mkdir()
    (here / "files" / "config.json").write_text("{}")
    record.log_files(here / "files", "model")
    record.finish()
    parent.finish()

    client = MlflowClient(f"sqlite:///{here}/mlflow.db")
    run = client.get_run(record.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"beta": "1.0", "clip_norm": "None"}
    assert run.data.tags["mlflow.parentRunId"] == parent.run_id
    assert run.inputs.dataset_inputs[0].dataset.name == "mnist-5k"
    history = client.get_metric_history(record.run_id, "valid/elbo")
    assert [(metric.step, metric.value) for metric in history] == [(1, -100), (2, -50)]
    assert [file.path for file in client.list_artifacts(record.run_id, "model")] == [
        "model/config.json"
    ]


def test_marks_are_read_back(here: Path) -> None:
    record = Tracker.open("vae-grid").start("run", {})
    assert record.marked("evaluation") == ""
    record.mark("evaluation", "abc")
    assert record.marked("evaluation") == "abc"


def test_artefacts_survive_moving_the_folder(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    (before / "files").mkdir(parents=True)
    (before / "files" / "a.txt").write_text("a")
    shutil.move(here / MLFLOW_DATABASE, before)
    monkeypatch.chdir(before)
    record = Tracker.open("vae-grid").start("run", {})
    record.log_files(before / "files")
    before.rename(after)
    monkeypatch.chdir(after)
    moved = Tracker.open("vae-grid").resume(record.run_id)
    assert moved is not None
    (after / "files" / "b.txt").write_text("b")
    moved.log_files(after / "files")
    names = [file.path for file in moved.client.list_artifacts(record.run_id)]
    assert names == ["a.txt", "b.txt"]
    assert not before.exists(), "the old folder was created again"


def test_a_run_ends_with_its_block(here: Path) -> None:
    tracker = Tracker.open("vae-grid")

    def status_after(error: BaseException | None) -> tuple[str, str]:
        record = None
        try:
            with tracker.run("run", {}) as record:
                if error:
                    raise error
        except (KeyboardInterrupt, ValueError):
            pass
        assert record is not None
        run = tracker.client.get_run(record.run_id)
        return run.info.status, run.data.tags.get("vae.reason", "")

    assert status_after(None) == ("FINISHED", "")
    assert status_after(KeyboardInterrupt()) == ("KILLED", "interrupted by the user")
    assert status_after(ValueError("no")) == ("FAILED", "ValueError: no")


def test_only_runs_of_dead_processes_are_closed(here: Path) -> None:
    tracker = Tracker.open("vae-grid")
    mine = tracker.start("mine", {})
    dead = tracker.start("dead", {})
    reused = tracker.start("reused pid", {})
    elsewhere = tracker.start("elsewhere", {})
    tracker.client.set_tag(dead.run_id, PID, str(2**22 + 1))
    tracker.client.set_tag(reused.run_id, PID_STARTED, "1.0")
    tracker.client.set_tag(elsewhere.run_id, HOST, "another-host")
    tracker.client.set_tag(elsewhere.run_id, PID, str(2**22 + 1))
    Tracker.open("vae-grid")
    records = {"mine": mine, "dead": dead, "reused": reused, "elsewhere": elsewhere}
    states = {
        name: tracker.client.get_run(record.run_id).info.status for name, record in records.items()
    }
    assert states == {
        "mine": "RUNNING",
        "dead": "KILLED",
        "reused": "KILLED",
        "elsewhere": "RUNNING",
    }


def test_a_run_of_another_store_is_not_resumed(here: Path) -> None:
    tracker = Tracker.open("vae-grid")
    assert tracker.resume("") is None
    assert tracker.resume("0" * 32) is None


def test_a_deleted_run_is_not_resumed_but_a_deleted_experiment_is_restored(here: Path) -> None:
    tracker = Tracker.open("vae-grid")
    record = tracker.start("run", {})
    tracker.client.delete_run(record.run_id)
    assert tracker.resume(record.run_id) is None
    tracker.client.delete_experiment(tracker.experiment_id)
    again = Tracker.open("vae-grid")
    assert again.experiment_id == tracker.experiment_id
    again.start("run", {}).finish()


def test_an_unreachable_store_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/missing/own.db")
    (tmp_path / "missing").touch()
    with pytest.raises(UserError, match="cannot be opened") as caught:
        Tracker.open("vae-grid")
    assert "\n" not in caught.value.message
    assert "MLFLOW_TRACKING_URI" in caught.value.message


def test_a_kill_while_the_database_is_created_does_no_harm(empty_folder: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for moment in (0.05, 0.3, 0.6):
        process = subprocess.Popen([sys.executable, "-c", RECORD], env=environment)
        deadline = time.monotonic() + 60
        while not list(empty_folder.glob("*mlflow.db*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(moment)
        process.kill()
        process.wait()
    with Tracker.open("vae-grid").run("run", {}):
        pass
    assert not list(empty_folder.glob(".partial*"))


@pytest.mark.parametrize("damage", ["garbage", "folder"])
def test_a_damaged_database_is_reported_in_one_line(empty_folder: Path, damage: str) -> None:
    path = empty_folder / "mlflow.db"
    path.mkdir() if damage == "folder" else path.write_bytes(b"no database" * 500)
    with pytest.raises(UserError, match="is not a valid database") as caught:
        Tracker.open("vae-grid")
    assert "\n" not in caught.value.message


def test_a_folder_that_a_database_url_cannot_name_is_refused(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = empty_folder / "100 % ?"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(UserError, match="cannot hold MLflow's database"):
        Tracker.open("vae-grid")
    assert list(empty_folder.iterdir()) == [folder]


RECORD = """
from pipeline.runtime.tracking import Tracker
tracker = Tracker.open("vae-grid")
for i in range(5):
    record = tracker.start(f"run {i}", {"i": i})
    record.log_metrics({"valid/elbo": float(i)}, i)
    record.finish()
"""


@pytest.mark.slow
def test_processes_that_start_together_share_a_new_database() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen([sys.executable, "-c", RECORD], env=environment) for _ in range(3)
    ]
    assert [process.wait(timeout=100) for process in processes] == [0, 0, 0]
    tracker = Tracker.open("vae-grid")
    runs = tracker.client.search_runs([tracker.experiment_id])
    assert len(runs) == 15
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_the_users_tracking_uri_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere}/own.db")
    Tracker.open("vae-grid").start("run", {}).finish()
    assert (elsewhere / "own.db").exists()
    assert not (tmp_path / "mlflow.db").exists()


NAMELESS = """
import os, pwd, tempfile
def getpwuid(uid): raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = getpwuid
from pathlib import Path
from pipeline.runtime.tracking import Tracker
with Tracker.open("vae-grid").run("grid", {}) as record:
    record.mark("key", "value")
assert record.status() == "FINISHED"
"""


def test_a_user_id_without_name_and_home_can_keep_records(project: Path) -> None:
    """Such as one that `docker run -u` takes from the host."""
    unset = ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME")
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-c", NAMELESS], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in project.glob("~*")] == []


@pytest.fixture
def server(here: Path, monkeypatch: pytest.MonkeyPatch) -> RecordsServer:
    return RecordsServer(here, monkeypatch)


def test_an_outage_of_the_server_costs_no_record(server: RecordsServer, tmp_path: Path) -> None:
    with Tracker.open("vae-grid") as tracker:
        first = tracker.start("first", {"beta": 1.0})
        first.log_metrics({"valid/elbo": -2.0}, 1)
        assert first.run_id
        server.is_down = True
        first.log_metrics({"valid/elbo": -1.0}, 2)
        folder = tmp_path / "temporary"
        folder.mkdir()
        (folder / "a.txt").write_text("a")
        first.log_files(folder, "model")
        shutil.rmtree(folder)
        first.finish("FAILED", "diverged")
        second = tracker.start("second", {"beta": 4.0})
        assert second.run_id == ""
        second.finish()
        assert tracker.resume("0" * 32) is not None  # nobody knows
        server.is_down = False
        assert tracker.close()
    assert server.runs() == {"first": "FAILED", "second": "FINISHED"}
    values = server.client.get_metric_history(first.run_id, "valid/elbo")
    assert [(one.step, one.value) for one in values] == [(1, -2.0), (2, -1.0)]
    files = server.client.list_artifacts(first.run_id, "model")
    assert [file.path for file in files] == ["model/a.txt"]
    assert server.client.get_run(first.run_id).data.tags["vae.reason"] == "diverged"


def test_a_run_whose_creation_was_not_confirmed_is_created_once(
    server: RecordsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, answers = server.client.create_run, iter([False, True])

    def create_run(*words: object, **options: object) -> object:
        run = create(*words, **options)  # type: ignore[arg-type]
        if not next(answers):
            raise ConnectionResetError
        return run

    monkeypatch.setattr(server.client, "create_run", create_run)
    with Tracker.open("vae-grid") as tracker:
        record = tracker.start("run", {})
        record.finish()
    assert server.runs() == {"run": "FINISHED"}
    assert server.client.get_run(record.run_id).info.status == "FINISHED"


def test_a_run_that_had_no_id_yet_is_resumed(server: RecordsServer) -> None:
    with Tracker.open("vae-grid") as tracker:
        grid = tracker.start("grid", {})
        server.is_down = True
        lost = tracker.start("run", {}, grid.run)
        reference = lost.reference
        assert lost.run_id == ""
        resumed = tracker.resume(reference)
        assert resumed is not None
        resumed.mark("key", "value")
        server.is_down = False
        assert tracker.close()
        found = tracker.resume(reference)
        assert found is not None
        assert found.run_id == found.reference == lost.run_id
        assert found.marked("key") == "value"
        assert tracker.resume("creation-0") is None
        assert tracker.resume("creation-' OR 1 = 1") is None
        assert [run.run_id for run in tracker.children(grid.run_id)] == [lost.run_id]


def test_an_experiment_is_found_without_writing(server: RecordsServer) -> None:
    uri = os.environ["MLFLOW_TRACKING_URI"]
    before = len(server.client.search_experiments())
    assert Tracker.find("vae-grid", uri) is None
    assert len(server.client.search_experiments()) == before
    tracker = Tracker.open("vae-grid")
    found = Tracker.find("vae-grid", uri)
    assert found is not None
    assert found.experiment_id == tracker.experiment_id
    server.client.delete_experiment(tracker.experiment_id)
    assert Tracker.find("vae-grid", uri) is None
    deleted = server.client.get_experiment(tracker.experiment_id)
    assert deleted.lifecycle_stage == "deleted"


@pytest.mark.parametrize(
    "uri",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite+pysqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "sqlite:///?timeout=3",
        "sqlite://me@host:port/x.db",
        "sqlite:///~/mlflow.db",
        "sqlite",
    ],
)
def test_an_address_that_names_no_file_is_refused(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(UserError, match="names no file; write the whole path") as caught:
        Tracker.open("vae-grid")
    assert "\n" not in caught.value.message
    assert list(empty_folder.iterdir()) == []


def test_a_worker_needs_no_server_to_start(
    server: RecordsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.is_down = True
    with Tracker.open("vae-grid", wait=False) as tracker:
        record = tracker.start("run", {})
        assert record.run_id == ""
        record.finish()
        server.is_down = False
        assert tracker.close()
    assert server.runs() == {"run": "FINISHED"}
    assert capsys.readouterr().err == "", "its supervisor reports the outage"


@pytest.mark.parametrize(
    "uri",
    [
        "http://me:secret@127.0.0.1:9",
        "postgresql://127.0.0.1:9/x",
        "mysql+mysqldb://me:secret@127.0.0.1:9/x",  # whose driver is not installed
    ],
)
def test_a_start_without_a_server_ends_in_one_line(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with pytest.raises(UserError, match="MLflow") as caught:
        Tracker.open("vae-grid")
    assert "\n" not in caught.value.message
    assert "set MLFLOW_TRACKING_URI to one that" in caught.value.message
    assert "secret" not in caught.value.message

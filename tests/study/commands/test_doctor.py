"""The doctor: what it finds, repairs, and cannot repair."""

from pathlib import Path

from mlflow import MlflowClient

from tests.study.conftest import TRIALS, attempts, study, the_search


def test_the_doctor_finds_and_cleans_up_what_a_kill_left(searched: Path) -> None:
    well = study("doctor")
    assert well.exit_code == 0, well.output
    search = the_search()
    owner = dict(attempts()[0].user_attrs["owner"]) | {"vae.pid": "999999"}
    lost = search.ask()
    lost.set_user_attr("owner", owner)
    client = MlflowClient(f"sqlite:///{searched}/mlflow.db")
    client.set_terminated(attempts()[0].user_attrs["run_id"], "FAILED")
    open_run = client.create_run("1", tags=owner)

    ill = study("doctor")
    assert ill.exit_code == 1
    assert "1 trial of dead processes; study doctor --fix" in ill.output
    assert "1 trial with a missing or different record in MLflow" in ill.output
    assert "1 open run of dead processes" in ill.output
    assert attempts()[TRIALS].state.name == "RUNNING"
    fixed = study("doctor", "--fix")
    assert fixed.exit_code == 0, fixed.output
    assert attempts()[TRIALS].state.name == "FAIL"
    assert client.get_run(open_run.info.run_id).info.status == "KILLED"
    assert study("doctor").exit_code == 0


def test_the_doctor_reports_what_it_cannot_repair(searchable: Path) -> None:
    Path("params.yaml").write_text("data: 1")
    Path("study.db").write_bytes(b"no database, but long enough to be taken for one" * 100)
    result = study("doctor")
    assert result.exit_code == 1
    assert "study.db is damaged" in result.output
    assert "params.yaml: " in result.output
    assert "Traceback" not in result.output

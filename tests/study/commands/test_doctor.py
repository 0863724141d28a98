"""The doctor: what it finds, repairs, and cannot repair."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.conftest import ROOT
from tests.study.conftest import TRIALS, attempts, full_disk, study, the_search


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


def test_records_that_a_full_disk_keeps_from_being_examined_are_a_finding(
    searchable: Path,
) -> None:
    with full_disk(Path("mlflow.db").stat().st_size // 2):
        result = study("doctor")
    assert result.exit_code == 1
    assert "mlflow.db cannot be copied to be examined: disk I/O error" in result.stdout
    assert "set TMPDIR to a folder on another disk" in result.stdout


def finding(checked: str) -> tuple[str, str]:
    """What the doctor finds, and what it says to do."""
    found = json.loads(study("doctor", "--json").stdout)["findings"]
    (one,) = (one for one in found if one["checked"] == checked)
    return one["found"], one["remedy"] or ""


@pytest.fixture
def unversioned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a pipeline, as unpacked from an archive."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / ".dvc").mkdir()
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    return tmp_path


def test_the_doctor_says_what_a_pipeline_lacks(
    unversioned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, remedy = finding("git")
    assert "is not a git repository, which DVC needs" in found
    assert "git init && git add -A && git commit" in remedy
    subprocess.run(["git", "init", "-q"], check=True)
    assert finding("git") == ("no commit yet, so none is recorded", "")
    subprocess.run(["git", "add", "-A"], check=True)
    named = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *named, "commit", "-qm", "start"], check=True)
    assert finding("git")[0].startswith("commit ")
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "")
        assert finding("git")[0] == "git is missing, which DVC needs"
    Path(".dvc").rmdir()
    assert finding("git")[0] == ".dvc is missing"


def test_the_doctor_explains_a_repository_of_another_user(unversioned: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    subprocess.run(["git", "init", "-q"], check=True)
    shutil.chown(unversioned, 54321)
    shutil.chown(unversioned / ".git", 54321)
    found, remedy = finding("git")
    assert "another user owns it" in found
    assert remedy == f"git config --global --add safe.directory {unversioned}"


def test_a_folder_without_a_pipeline_needs_no_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = json.loads(study("doctor", "--json").stdout)["findings"]
    assert "git" not in [one["checked"] for one in found]


def test_the_doctor_works_in_another_checkout_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(ROOT) in finding("code")[0]
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    result = study("doctor", "--json")
    assert result.exit_code == 1
    found, remedy = finding("code")
    assert found == (f"{tmp_path} is a checkout of vae-study, but the code that runs is in {ROOT}")
    assert "make install" in remedy


def test_records_at_an_address_that_names_no_file_are_a_finding(
    searchable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///:memory:")
    assert "names no file" in finding("records")[0]
    assert not Path(":memory:").exists()

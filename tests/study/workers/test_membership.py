"""Several commands work for one search: none cuts another, and the last one closes the records."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline.runtime.processes import BOOT, HOST, PID, PID_STARTED, has_died, identity
from pipeline.runtime.tracking import Tracker
from study.search.plan import TARGET
from study.search.schedule import deaths_key
from study.store.members import LEASE, living_members, member_key, wanted_trials
from study.workers.membership import Membership, open_tracker
from tests.pipeline.records_server import RecordsServer
from tests.study.conftest import TRIALS, URL, attempts, records, study, the_search

IDENTIFY = """
import json
from pipeline.runtime.processes import identity
print(json.dumps(identity()), flush=True)
input()
"""


class Neighbour:
    """Another living process, which notes that it works for the search."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self.owner: dict[str, str] = json.loads(process.stdout.readline())

    def join(self, place: int, target: int) -> None:
        note = {"owner": self.owner, "target": target, "seen": time.time()}
        the_search().set_user_attr(member_key(place), note)

    def die(self) -> None:
        self._process.kill()
        self._process.wait()
        assert has_died(self.owner)


@pytest.fixture
def neighbour() -> Iterator[Neighbour]:
    with subprocess.Popen(
        [sys.executable, "-c", IDENTIFY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Neighbour(process)
        process.kill()


def parent(project: Path) -> Run:
    (found,) = [run for run in records(project) if "mlflow.parentRunId" not in run.data.tags]
    return found


def finished() -> int:
    return sum(one.state.name in ("COMPLETE", "PRUNED") for one in attempts())


@pytest.mark.usefixtures("one_process")
def test_a_second_command_has_its_trials_and_leaves_the_first_one_its_own(
    searched: Path, neighbour: Neighbour
) -> None:
    """The first one wants fewer trials; the second is as if `dvc repro` ran next to it."""
    neighbour.join(0, TRIALS + 20)
    the_search().set_user_attr(TARGET, TRIALS + 20)
    tracker = open_tracker()
    tracker.reopen(parent(searched).info.run_id, owner=neighbour.owner)

    fewer = study("run", "--trials", str(TRIALS - 2))
    assert "nothing to do" in fewer.output
    more = study("run", "--trials", str(TRIALS + 1), "--workers", "1")
    assert more.exit_code == 0, more.output
    assert finished() == TRIALS + 1
    assert the_search().user_attrs[TARGET] == TRIALS + 20
    record = parent(searched)
    assert record.info.status == "RUNNING", "somebody still works for the search"
    assert record.data.tags[PID] == neighbour.owner[PID], "who owns its record"

    neighbour.die()
    study("run", "--trials", str(TRIALS + 1))
    assert parent(searched).info.status == "FINISHED", "closed for the owner, which died"


def test_the_target_is_the_most_that_a_living_member_wants(
    searched: Path, neighbour: Neighbour
) -> None:
    search = the_search()
    member = Membership(URL, search, TRIALS + 1, open_tracker)
    neighbour.join(0, TRIALS + 4)
    member.join()
    assert search.user_attrs[TARGET] == wanted_trials(search.user_attrs) == TRIALS + 4
    neighbour.die()
    assert wanted_trials(search.user_attrs) == TRIALS + 1
    member.leave("FINISHED")
    assert living_members(search.user_attrs) == []


def test_the_record_is_handed_over_and_closed_by_the_last(
    searched: Path, neighbour: Neighbour
) -> None:
    search, tracker = the_search(), open_tracker()
    member = Membership(URL, search, TRIALS + 4, lambda: tracker)
    member.join()
    member.open_record()
    assert parent(searched).data.tags[PID] == identity()[PID]
    neighbour.join(1, TRIALS + 2)
    member.leave("KILLED", "interrupted by the user")
    record = parent(searched)
    assert record.info.status == "RUNNING"
    assert record.data.tags[PID_STARTED] == neighbour.owner[PID_STARTED]
    assert "vae.reason" not in record.data.tags
    assert search.user_attrs[TARGET] == TRIALS + 2, "nobody works for more any longer"

    neighbour.die()
    member.join()
    member.open_record()
    member.leave("KILLED", "interrupted by the user")
    record = parent(searched)
    assert record.info.status == "KILLED"
    assert record.data.tags["vae.reason"] == "interrupted by the user"


def test_a_member_takes_over_from_a_dead_owner(
    searched: Path, neighbour: Neighbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, tracker = the_search(), open_tracker()
    neighbour.join(0, TRIALS + 2)
    tracker.reopen(parent(searched).info.run_id, owner=neighbour.owner)
    member = Membership(URL, search, TRIALS + 1, lambda: tracker)
    member.join()
    member.open_record()
    assert parent(searched).data.tags[PID] == neighbour.owner[PID]
    neighbour.die()
    Tracker.open("vae-study")
    assert parent(searched).info.status == "KILLED", "its owner is dead"
    monkeypatch.setattr("study.workers.membership.BEAT", 0)
    member.beat()
    record = parent(searched)
    assert record.info.status == "RUNNING"
    assert record.data.tags[PID] == identity()[PID]
    member.leave("FINISHED")
    assert parent(searched).info.status == "FINISHED"
    assert "vae.reason" not in parent(searched).data.tags


def test_a_member_keeps_the_record_that_another_one_owned_and_died(
    searched: Path, neighbour: Neighbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one takes the first place, which a member that left had."""
    monkeypatch.setattr("study.workers.membership.BEAT", 0)
    search, tracker = the_search(), open_tracker()
    neighbour.join(0, TRIALS + 2)
    member = Membership(URL, search, TRIALS + 1, lambda: tracker)
    member.join()
    search.set_user_attr(member_key(0), None)
    member.open_record()
    assert parent(searched).data.tags[PID] == identity()[PID]
    neighbour.join(0, TRIALS + 2)
    tracker.reopen(parent(searched).info.run_id, owner=neighbour.owner)
    member.beat()
    assert parent(searched).data.tags[PID] == neighbour.owner[PID], "it lives, and is the first"
    neighbour.die()
    Tracker.open("vae-study")
    assert parent(searched).info.status == "KILLED"
    member.beat()
    record = parent(searched)
    assert (record.info.status, record.data.tags[PID]) == ("RUNNING", identity()[PID])
    assert "vae.reason" not in record.data.tags
    MlflowClient(f"sqlite:///{searched}/mlflow.db").delete_run(record.info.run_id)
    member.beat()
    member.leave("FINISHED")


def test_an_outage_of_the_records_is_reported_once(
    searched: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("study.workers.membership.BEAT", 0)
    server = RecordsServer(searched, monkeypatch)
    tracker = open_tracker()
    member = Membership(URL, the_search(), TRIALS + 1, lambda: tracker)
    member.join()
    member.open_record()

    def lines_after(count: int) -> list[str]:
        lines: list[str] = []
        for _ in range(400):
            member.beat()
            time.sleep(0.02)
            lines += capsys.readouterr().err.splitlines()
            if len(lines) >= count:
                break
        return lines

    server.is_down = True
    (away,) = lines_after(1)
    assert "does not answer (Connection refused); work goes on" in away
    server.is_down = False
    (back,) = lines_after(1)
    assert "answers again" in back
    member.leave("FINISHED")


@pytest.mark.parametrize(
    ("owner", "age", "alive"),
    [
        ({HOST: "another-host"}, LEASE - 60, True),
        ({HOST: "another-host"}, LEASE + 60, False),
        ({BOOT: "another boot"}, LEASE + 60, False),
        ({}, LEASE + 60, True),
        ({PID_STARTED: "1"}, 0, False),
    ],
)
def test_a_member_elsewhere_is_dead_once_it_is_silent(
    searched: Path, owner: dict[str, str], age: float, alive: bool
) -> None:
    note = {"owner": identity() | owner, "target": 1, "seen": time.time() - age}
    assert bool(living_members({member_key(0): note})) == alive


@pytest.mark.parametrize(
    "note", [None, 3, {}, {"owner": "me"}, {"owner": {}, "target": "8", "seen": 1.0}]
)
def test_notes_that_cannot_be_read_are_nobodys(note: Any) -> None:
    assert living_members({member_key(0): note, deaths_key(1): 2}) == []


@pytest.mark.usefixtures("one_process")
def test_a_worker_without_a_supervisor_is_a_member(searched: Path) -> None:
    """It trains what somebody wanted, and closes the record, as nobody else is there."""
    the_search().set_user_attr(TARGET, TRIALS + 1)
    worker = study("worker", "--name", the_search().study_name)
    assert (worker.exit_code, worker.output) == (0, "")
    assert finished() == TRIALS + 1
    assert {run.info.status for run in records(searched)} <= {"FINISHED", "KILLED"}
    assert parent(searched).info.status == "FINISHED"
    assert living_members(the_search().user_attrs) == []


@pytest.mark.usefixtures("one_process")
def test_a_worker_without_a_server_for_its_records_leaves_no_trace(
    searched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    before = the_search().user_attrs, len(attempts())
    worker = study("worker", "--name", the_search().study_name)
    assert worker.exit_code == 2
    (line,) = worker.stderr.splitlines()
    assert "MLflow at http://127.0.0.1:9 does not answer" in line
    assert (the_search().user_attrs, len(attempts())) == before

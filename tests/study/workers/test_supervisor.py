"""What a supervisor tells its workers, and what others can read of it."""

import json
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.runtime.processes import PID_STARTED, identity
from study.commands.run import how_to_reach
from study.workers import supervisor
from study.workers.assignment import Assignment, worker_command
from tests.study.conftest import TRIALS, WorkerInThisProcess, attempts, study, the_search


def test_the_address_of_the_store_is_on_no_command_line(
    searched: Path, one_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[str], dict[str, str]]] = []

    def start(command: list[str], environment: dict[str, str]) -> WorkerInThisProcess:
        seen.append((command, environment))
        return WorkerInThisProcess(command, environment)

    monkeypatch.setattr(supervisor, "start_process", start)
    url = f"sqlite:///{searched}/study.db"
    result = study("run", "--trials", str(TRIALS + 1), "--workers", "1", "--storage", url)
    assert result.exit_code == 0, result.output
    ((command, environment),) = seen
    assert "study.db" not in " ".join(command)
    assert environment == {"VAE_STORAGE": url}
    assert f"study export --storage {url}" in result.output


@pytest.mark.usefixtures("one_process")
def test_a_worker_ends_with_its_supervisor_not_with_a_process_of_the_same_id(
    searched: Path,
) -> None:
    given = Assignment(identity() | {PID_STARTED: "1"}, TRIALS + 1)
    words = ["--name", the_search().study_name, "--assignment"]
    text = json.dumps({"supervisor": given.supervisor, "trials": given.trials})
    assert study("worker", *words, text).exit_code == 0
    assert len(attempts()) == TRIALS
    *_, own = worker_command(the_search().study_name, Path("data"), TRIALS + 1)
    assert Assignment.parse(own) == Assignment(identity(), TRIALS + 1)
    assert study("worker", *words, own).exit_code == 0
    assert len(attempts()) == TRIALS + 1


@pytest.mark.parametrize("text", ["", "8", "{}", '{"supervisor": 1, "trials": 2}', "[" * 9])
def test_an_assignment_by_hand_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError, match="--assignment is for the workers"):
        Assignment.parse(text)


def test_the_commands_at_the_end_reach_the_same_store(monkeypatch: pytest.MonkeyPatch) -> None:
    assert how_to_reach("sqlite:///study.db") == ("", "")
    assert how_to_reach("sqlite:///my own.db") == (" --storage 'sqlite:///my own.db'", "")
    secret = "postgresql+psycopg://me:secret@host/trials"
    option, before = how_to_reach(secret)
    assert option == ""
    assert before.startswith("export VAE_STORAGE='postgresql+psycopg://me:***@host/trials' ")
    monkeypatch.setenv("VAE_STORAGE", secret)
    assert how_to_reach(secret) == ("", "")
    assert how_to_reach("sqlite:///study.db") == (" --storage sqlite:///study.db", "")

"""Worker processes: results, messages, failures, and no process left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.errors import UserError
from pipeline.runtime.workers import (
    Failure,
    Message,
    Result,
    Send,
    WorkerDiedError,
    WorkerError,
    count_workers,
    side_by_side,
)

# Each worker imports this file, so it must not import torch or mlflow, as tests.conftest does.
ROOT = Path(__file__).parents[3]


def work(task: str, send: Send) -> Any:
    """Do what the task's name says."""
    if task == "refuse":
        raise UserError("not like this")
    if task == "crash":
        raise ZeroDivisionError
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "leave":
        os._exit(3)
    if task == "eof":
        raise EOFError("of a file")
    if task == "lambda":
        return lambda: None
    if task == "sleep":
        send(os.getpid())
        time.sleep(60)
    send(f"{task} began")
    return task.upper(), os.getpid()


def test_every_task_yields_its_messages_then_its_result() -> None:
    names = [f"task-{i}" for i in range(7)]
    events = list(side_by_side(work, names, workers=2))
    assert sorted(event.value[0] for event in events if isinstance(event, Result)) == sorted(
        name.upper() for name in names
    )
    for name in names:
        kinds = [type(event) for event in events if event.task == name]
        assert kinds == [Message, Result]
    pids = {event.value[1] for event in events if isinstance(event, Result)}
    assert len(pids) <= 2, "workers are reused"
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_task_is_taken_only_when_a_worker_is_idle() -> None:
    taken = []

    def tasks() -> Any:
        for name in ("a", "b", "c"):
            taken.append(name)
            yield name

    events = side_by_side(work, tasks(), workers=1)
    next(events)
    assert taken == ["a"]
    events.close()


FAILURES: dict[str, tuple[type[Exception], str]] = {
    "refuse": (UserError, "not like this"),
    "crash": (WorkerError, "ZeroDivisionError"),
    "die": (WorkerDiedError, r"was killed \(signal 9\), often because memory ran out"),
    "leave": (WorkerDiedError, "exited with status 3"),
    "eof": (WorkerError, "EOFError: of a file"),
    "lambda": (WorkerError, "pickle"),
}


def test_a_failure_affects_only_its_own_task() -> None:
    """A worker survives exceptions; after its death, a new one takes the next task."""
    tasks = [name for failing in FAILURES for name in (f"before {failing}", failing)] + ["last"]
    events = list(side_by_side(work, tasks, workers=1))
    failures = {event.task: event.error for event in events if isinstance(event, Failure)}
    assert list(failures) == list(FAILURES)
    for task, (error, message) in FAILURES.items():
        with pytest.raises(error, match=message):
            raise failures[task]
    results = [event for event in events if isinstance(event, Result)]
    assert [event.task for event in results] == [task for task in tasks if task not in FAILURES]
    assert len({event.value[1] for event in results}) == 3, "two of the tasks kill their worker"


def test_a_worker_that_dies_while_idle_is_replaced() -> None:
    events = side_by_side(work, ["a", "b"], workers=1)
    assert isinstance(next(events), Message)
    first = next(events)
    assert isinstance(first, Result)
    os.kill(first.value[1], signal.SIGKILL)
    os.waitid(os.P_PID, first.value[1], os.WEXITED | os.WNOWAIT)  # all its threads have ended
    rest = list(events)
    assert [type(event) for event in rest] == [Message, Result]


def test_closing_stops_workers_in_the_middle_of_a_task() -> None:
    events = side_by_side(work, ["sleep", "sleep"], workers=2)
    pids = [next(events).content for _ in range(2)]  # type: ignore[union-attr]
    events.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)


ORPHAN = """
from pipeline.runtime.workers import side_by_side
from tests.pipeline.runtime.test_workers import report_forever
if __name__ == "__main__":
    for event in side_by_side(report_forever, ["a"], workers=1):
        print(event.content, flush=True)
"""


def report_forever(task: str, send: Send) -> None:
    for _ in range(600):
        send(os.getpid())
        time.sleep(0.1)


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    worker.wait(timeout=20)


@pytest.mark.parametrize(("asked", "tasks", "count"), [("1", 9, 1), ("4", 9, 4), ("4", 2, 2)])
def test_there_are_no_more_workers_than_tasks(asked: str, tasks: int, count: int) -> None:
    assert count_workers(asked, tasks) == count


def test_auto_is_at_most_one_worker_per_core() -> None:
    assert 1 <= count_workers("auto", 1000) <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize("asked", ["0", "-1", "many", "1.5", ""])
def test_an_impossible_number_of_workers_is_refused(asked: str) -> None:
    with pytest.raises(UserError, match="must be auto or a whole number greater than 0"):
        count_workers(asked, 3)

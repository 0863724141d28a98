"""Tasks side by side: results, messages, failures, and no process left behind."""

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
    Tell,
    WorkerDiedError,
    WorkerError,
    count_workers,
    side_by_side,
)
from tests.conftest import ROOT


def work(task: str, tell: Tell) -> Any:
    """What the tasks' names say."""
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
        tell(os.getpid())
        time.sleep(60)
    tell(f"{task} began")
    return task.upper(), os.getpid()


def test_every_task_gives_its_messages_then_its_result() -> None:
    names = [f"task-{i}" for i in range(7)]
    events = list(side_by_side(work, names, workers=2))
    assert sorted(event.value[0] for event in events if isinstance(event, Result)) == sorted(
        name.upper() for name in names
    )
    for name in names:
        kinds = [type(event) for event in events if event.task == name]
        assert kinds == [Message, Result]
    pids = {event.value[1] for event in events if isinstance(event, Result)}
    assert len(pids) <= 2, "workers stay from task to task"
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_tasks_are_taken_only_when_a_worker_is_free() -> None:
    taken = []

    def tasks() -> Any:
        for name in ("a", "b", "c"):
            taken.append(name)
            yield name

    events = side_by_side(work, tasks(), workers=1)
    next(events)
    assert taken == ["a"]
    events.close()


@pytest.mark.parametrize(
    ("task", "error", "message"),
    [
        ("refuse", UserError, "not like this"),
        ("crash", WorkerError, "ZeroDivisionError"),
        ("die", WorkerDiedError, r"was killed \(signal 9\), often for want of memory"),
        ("leave", WorkerDiedError, "ended with status 3"),
        ("eof", WorkerError, "EOFError: of a file"),
        ("lambda", WorkerError, "pickle"),
    ],
)
def test_a_failure_is_the_tasks_alone(task: str, error: type[Exception], message: str) -> None:
    events = list(side_by_side(work, ["a", task, "b"], workers=1))
    failures = [event for event in events if isinstance(event, Failure)]
    assert [event.task for event in failures] == [task]
    with pytest.raises(error, match=message):
        raise failures[0].error
    assert [event.task for event in events if isinstance(event, Result)] == ["a", "b"]


def test_a_worker_that_dies_idle_is_replaced() -> None:
    events = side_by_side(work, ["a", "b"], workers=1)
    assert isinstance(next(events), Message)
    first = next(events)
    assert isinstance(first, Result)
    psutil.Process(first.value[1]).kill()
    time.sleep(0.3)
    rest = list(events)
    assert [type(event) for event in rest] == [Message, Result]


def test_closing_ends_the_workers_in_the_middle_of_a_task() -> None:
    events = side_by_side(work, ["sleep", "sleep"], workers=2)
    pids = [next(events).content for _ in range(2)]  # type: ignore[union-attr]
    events.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)


ORPHAN = """
from pipeline.runtime.workers import side_by_side
from tests.pipeline.runtime.test_workers import report_for_ever
if __name__ == "__main__":
    for event in side_by_side(report_for_ever, ["a"], workers=1):
        print(event.content, flush=True)
"""


def report_for_ever(task: str, tell: Tell) -> None:
    for _ in range(600):
        tell(os.getpid())
        time.sleep(0.1)


def test_a_killed_parent_leaves_no_worker(tmp_path: Path) -> None:
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
def test_the_number_of_workers(asked: str, tasks: int, count: int) -> None:
    assert count_workers(asked, tasks) == count


def test_auto_is_at_most_one_worker_a_core() -> None:
    assert 1 <= count_workers("auto", 1000) <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize("asked", ["0", "-1", "many", "1.5", ""])
def test_an_impossible_number_of_workers_is_refused(asked: str) -> None:
    with pytest.raises(UserError, match="must be auto or a whole number greater than 0"):
        count_workers(asked, 3)

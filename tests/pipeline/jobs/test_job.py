"""The skeleton that training and evaluation share, with a job that only counts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.jobs.job import Job, out_of_date, run_job
from pipeline.jobs.progress import RunsProgress
from tests.pipeline.jobs.in_process import Send, one_after_another


@dataclass(frozen=True)
class Count:
    """Counts to a number; refuses 13."""

    name: str
    number: int
    folder: Path = Path()
    fingerprint: str = "same"


def count(task: Count, send: Send) -> int:
    if task.number == 13:
        raise UserError(f"{task.name}: 13 is unlucky")
    for number in range(1, task.number + 1):
        send(number)
    return task.number


class Counting(Job[Count]):
    """Writes down what it hears."""

    verb = "counted"
    steps = 3

    def __init__(self) -> None:
        self.story: list[str] = []

    @property
    def work(self) -> Callable[[Count, Send], int]:
        return count

    def begin(self, task: Count) -> Count:
        self.story.append(f"begin {task.name}")
        return replace(task, number=task.number + 1)

    def on_message(self, task: Count, content: int, progress: RunsProgress) -> None:
        if content == 99:
            raise KeyboardInterrupt
        self.story.append(f"{task.name} {content}")

    def finish(self, task: Count, value: int) -> str:
        self.story.append(f"finish {task.name}")
        return f"counted to {value}"

    def fail(self, task: Count, error: Exception) -> None:
        self.story.append(f"fail {error}")

    def close(self) -> None:
        self.story.append("close")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.jobs.job.side_by_side", one_after_another)


def test_each_run_is_begun_heard_and_finished(capsys: pytest.CaptureFixture[str]) -> None:
    job = Counting()
    run_job(job, [Count("a", 1), Count("b", 0)], workers=1)
    assert job.story == ["begin a", "a 1", "a 2", "finish a", "begin b", "b 1", "finish b", "close"]
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "1/2 a counted to 2",
        "2/2 b counted to 1",
        "counted 2 runs in 0 s with 1 workers",
    ]


def test_after_a_failure_no_run_is_begun(capsys: pytest.CaptureFixture[str]) -> None:
    job = Counting()
    with pytest.raises(UserError, match="b: 13 is unlucky"):
        run_job(job, [Count("a", 0), Count("b", 12), Count("c", 0)], workers=1)
    assert job.story[-3:] == ["begin b", "fail b: 13 is unlucky", "close"]
    assert "2/3  b                    failed" in capsys.readouterr().out


def test_an_interrupt_closes_what_is_open() -> None:
    job = Counting()
    with pytest.raises(KeyboardInterrupt):
        run_job(job, [Count("a", 120)], workers=1)
    assert job.story[-1] == "close"


def test_what_has_the_same_fingerprint_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    there = {Path("old"): "other", Path("same"): "same"}
    tasks = [Count(name, 1, Path(name)) for name in ("old", "same", "new")]
    assert [task.name for task in out_of_date(tasks, there.get)] == ["old", "new"]
    assert capsys.readouterr().out == "1 of 3 runs are up to date\n"
    assert out_of_date(tasks[2:], there.get) == tasks[2:]
    assert capsys.readouterr().out == ""

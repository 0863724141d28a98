"""The one way to do something to many runs: what is missing is done side by side, on record.

A kind of job says what is done to one run in a worker process, how that is recorded, and how it is
shown. Training, evaluation and the confirmation of trials share the rest: the check of what is up
to date, the workers, the end on the first failure, and interrupts.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import click

from pipeline.jobs.progress import RunsProgress, runs_progress
from pipeline.runtime.workers import Failure, Message, Result, Send, side_by_side


class Task(Protocol):
    """What is to be done to one run."""

    @property
    def name(self) -> str:
        """The run's name, such as ``linear-2/seed-0``."""

    @property
    def folder(self) -> Path:
        """Where the result goes."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides the result."""


T = TypeVar("T", bound=Task)


class Job(ABC, Generic[T]):
    """What is done to every run, in this process except for ``work``.

    Attributes:
        verb: for messages, such as ``trained``.
        steps: of one run, for its progress; 1 where a run reports no steps.
    """

    verb: ClassVar[str]
    steps: int = 1

    @property
    @abstractmethod
    def work(self) -> Callable[[T, Send], Any]:
        """An importable function that a worker process calls with a task and ``tell``."""

    def begin(self, task: T) -> T:
        """Called before a worker takes the task; returns the task that it takes."""
        return task

    def heard(self, task: T, content: Any, progress: RunsProgress) -> None:
        """Called with what the task tells on its way."""

    @abstractmethod
    def finish(self, task: T, value: Any) -> str:
        """Record a result, and describe it in one line."""

    def fail(self, task: T, error: Exception) -> None:
        """Record a failure."""

    def close(self) -> None:
        """Called at the very end, also after an interrupt: end what is still open."""


def out_of_date(tasks: Iterable[T], finished: Callable[[Path], str | None]) -> list[T]:
    """The tasks whose folder has no finished result of the same fingerprint.

    Args:
        tasks: all.
        finished: the fingerprint of the whole and undamaged result in a folder; None without one.
    """
    tasks = list(tasks)
    missing = [task for task in tasks if finished(task.folder) != task.fingerprint]
    if len(missing) < len(tasks):
        click.echo(f"{len(tasks) - len(missing)} of {len(tasks)} runs are up to date")
    return missing


def do(job: Job[T], tasks: Sequence[T], workers: int) -> None:
    """Do a job to several runs in worker processes.

    Args:
        job: what to do.
        tasks: at least one.
        workers: number of processes.

    Raises:
        UserError: if a run fails; those under way end first, and finished ones are kept.
    """
    failures: list[Exception] = []

    def begun() -> Iterator[T]:
        for task in tasks:
            if failures:
                return  # what is under way ends; the rest would most likely fail as well
            task = job.begin(task)
            progress.started(task.name)
            yield task

    start = time.perf_counter()
    with (
        runs_progress(len(tasks), job.steps) as progress,
        closing(side_by_side(job.work, begun(), workers)) as events,
    ):
        try:
            for event in events:
                match event:
                    case Message(task=task, content=content):
                        job.heard(task, content, progress)
                    case Result(task=task, value=value):
                        progress.finished(task.name, job.finish(task, value))
                    case Failure(task=task, error=error):
                        job.fail(task, error)
                        progress.failed(task.name)
                        failures.append(error)
        finally:
            job.close()
        if failures:
            raise failures[0]
    seconds = time.perf_counter() - start
    click.echo(f"{job.verb} {len(tasks)} runs in {seconds:.0f} s with {workers} workers")

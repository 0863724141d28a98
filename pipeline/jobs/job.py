"""Process many runs in parallel, except those that are up to date, and record the results.

A subclass of ``Job`` defines what a worker process does with one run, and how this is recorded and
shown. Training, evaluation and the confirmation of trials share the rest: checking what is up to
date, running workers, stopping at the first failure, and handling interrupts.
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
    """The work to do for one run."""

    @property
    def name(self) -> str:
        """The run's name, such as ``linear-2/seed-0``."""

    @property
    def folder(self) -> Path:
        """The folder to write the result to."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides the result."""


T = TypeVar("T", bound=Task)


class Job(ABC, Generic[T]):
    """What to do with every run; only ``work`` is called in worker processes.

    Attributes:
        verb: a past participle for messages, such as ``trained``.
        steps: number of steps per run, for progress; 1 if runs do not report steps.
    """

    verb: ClassVar[str]
    steps: int = 1

    @property
    @abstractmethod
    def work(self) -> Callable[[T, Send], Any]:
        """An importable function that takes a task and a function that sends messages."""

    def begin(self, task: T) -> T:
        """Prepare a task for a worker, and return the task that it is to take."""
        return task

    def on_message(self, task: T, content: Any, progress: RunsProgress) -> None:
        """Handle a message from a running task."""

    @abstractmethod
    def finish(self, task: T, value: Any) -> str:
        """Record a result and describe it in one line."""

    def fail(self, task: T, error: Exception) -> None:
        """Record a failure."""

    def close(self) -> None:
        """Close what is still open; called at the very end, even after an interrupt."""


def out_of_date(tasks: Iterable[T], finished: Callable[[Path], str | None]) -> list[T]:
    """Return the tasks whose folder has no finished result with the same fingerprint.

    Args:
        tasks: all tasks.
        finished: returns the fingerprint of the result in a folder; None unless it is complete and
            intact.
    """
    tasks = list(tasks)
    missing = [task for task in tasks if finished(task.folder) != task.fingerprint]
    if len(missing) < len(tasks):
        click.echo(f"{len(tasks) - len(missing)} of {len(tasks)} runs are up to date")
    return missing


def run_job(job: Job[T], tasks: Sequence[T], workers: int) -> None:
    """Do a job for several runs in worker processes.

    Args:
        job: the job to do.
        tasks: at least one.
        workers: number of processes.

    Raises:
        UserError: if a run fails, after the runs in progress have ended; finished ones are kept.
    """
    failures: list[Exception] = []

    def begun() -> Iterator[T]:
        for task in tasks:
            if failures:
                return  # running tasks end; the others would most likely fail as well
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
                        job.on_message(task, content, progress)
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

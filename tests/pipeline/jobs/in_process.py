"""The workers' tasks in this process: starting a worker and importing torch there takes seconds."""

import traceback
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

import click

from pipeline.runtime.workers import Failure, Message, Result, WorkerError

Task = TypeVar("Task")
Send = Callable[[Any], None]


def one_after_another(
    work: Callable[[Task, Send], Any], tasks: Iterable[Task], workers: int
) -> Generator[Message[Task] | Result[Task] | Failure[Task]]:
    """Do the tasks in turn and yield what happens, as ``side_by_side`` does with one worker."""
    for task in tasks:
        told: list[Any] = []
        try:
            value = work(task, told.append)
        except click.ClickException as error:
            end: Result[Task] | Failure[Task] = Failure(task, error)
        except Exception:
            end = Failure(task, WorkerError(traceback.format_exc()))
        else:
            end = Result(task, value)
        for content in told:
            yield Message(task, content)
        yield end

"""Tasks side by side in worker processes that stay alive from one task to the next.

A pipe to each worker, instead of an executor's shared queue, makes both deaths visible: a worker
that is killed ends its pipe and fails its task alone, and a worker whose parent is killed finds
its pipe broken at the next message and ends too, so that none lives on beside a second try.
"""

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

import click
from joblib import cpu_count

from pipeline.errors import UserError

Task = TypeVar("Task")
Tell = Callable[[Any], None]


class WorkerDiedError(UserError):
    """A worker process ended in the middle of a task."""


class WorkerError(RuntimeError):
    """An unexpected exception in a worker; the message holds its traceback."""


@dataclass(frozen=True, slots=True)
class Message(Generic[Task]):
    """Something that a task told on its way."""

    task: Task
    content: Any


@dataclass(frozen=True, slots=True)
class Result(Generic[Task]):
    """A task's value."""

    task: Task
    value: Any


@dataclass(frozen=True, slots=True)
class Failure(Generic[Task]):
    """A task's end by an exception or by its worker's death."""

    task: Task
    error: Exception


def side_by_side(
    work: Callable[[Task, Tell], Any], tasks: Iterable[Task], workers: int
) -> Generator[Message[Task] | Result[Task] | Failure[Task]]:
    """Do the tasks in worker processes and yield what happens, as it happens.

    A task is taken from ``tasks`` only when a worker is free for it. Closing the generator, or an
    interrupt in it, ends the workers at once.

    Args:
        work: an importable function of the task and of ``tell``, which sends a message here.
        tasks: picklable; taken lazily.
        workers: how many processes at most.
    """
    context = multiprocessing.get_context("spawn")  # a forked torch deadlocks in its thread pool
    remaining = iter(tasks)
    busy: dict[Connection, tuple[BaseProcess, Task]] = {}
    idle: list[tuple[Connection, BaseProcess]] = []
    started: list[BaseProcess] = []

    def hire() -> tuple[Connection, BaseProcess]:
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, work), daemon=True)
        process.start()
        there.close()  # else the pipe would not end with the worker
        started.append(process)
        return here, process

    def assign() -> None:
        while len(busy) < workers:
            try:
                task = next(remaining)
            except StopIteration:
                return
            connection, process = idle.pop() if idle else hire()
            try:
                connection.send(task)
            except OSError:  # died while it was idle
                connection, process = hire()
                connection.send(task)
            busy[connection] = process, task

    try:
        assign()
        while busy:
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                process, task = busy[ready]
                try:
                    kind, content = ready.recv()
                except (EOFError, OSError):  # OSError: it died within a message
                    process.join()
                    del busy[ready]
                    yield Failure(task, _death(process))
                    continue
                if kind == "message":
                    yield Message(task, content)
                    continue
                del busy[ready]
                idle.append((ready, process))
                yield Result(task, content) if kind == "result" else Failure(task, content)
            assign()
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.join()


class _ParentGoneError(Exception):
    """The other end of the pipe is closed."""


def _serve(connection: Connection, work: Callable[[Any, Tell], Any]) -> None:
    """A worker's life: do tasks until the parent ends it or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle

    def send(kind: str, content: object) -> None:
        try:
            connection.send((kind, content))
        except OSError:
            raise _ParentGoneError from None

    with suppress(_ParentGoneError, EOFError, ConnectionResetError):
        while True:
            task = connection.recv()
            try:
                send("result", work(task, lambda content: send("message", content)))
            except _ParentGoneError:
                raise
            except click.ClickException as error:
                send("failure", error)
            except Exception:
                send("failure", WorkerError(traceback.format_exc()))


def _death(process: BaseProcess) -> WorkerDiedError:
    code = process.exitcode or 0
    if code == -signal.SIGKILL:
        return WorkerDiedError(
            "a worker process was killed (signal 9), often for want of memory; finished runs are "
            "kept, run the command again, with fewer --workers if memory is short"
        )
    how = f"by signal {-code}" if code < 0 else f"with status {code}"
    return WorkerDiedError(
        f"a worker process ended {how}; finished runs are kept, run the command again"
    )


def count_workers(workers: str, tasks: int) -> int:
    """How many processes ``--workers`` asks for: a number, or ``auto`` for the usable cores.

    Raises:
        UserError: if it is neither.
    """
    if workers == "auto":
        wanted = int(
            cpu_count()
        )  # of the machine, the process's affinity and its container's quota
    elif workers.isdecimal() and int(workers) > 0:
        wanted = int(workers)
    else:
        raise UserError(f"--workers = {workers!r} must be auto or a whole number greater than 0")
    return max(1, min(wanted, tasks))

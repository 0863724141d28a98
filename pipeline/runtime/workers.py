"""Run tasks in parallel in worker processes that are reused from task to task.

Each worker has its own pipe, instead of the shared queue of an executor, so that a death on either
side is noticed. If a worker is killed, its pipe closes and only its own task fails. If the parent
is killed, the worker finds the pipe broken at its next message and exits, so that no worker is
left over when the command is run again.
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
Send = Callable[[Any], None]


class WorkerDiedError(UserError):
    """A worker process exited in the middle of a task."""


class WorkerError(RuntimeError):
    """An unexpected exception in a worker; the message contains its traceback."""


@dataclass(frozen=True, slots=True)
class Message(Generic[Task]):
    """Something that a task reported while it ran."""

    task: Task
    content: Any


@dataclass(frozen=True, slots=True)
class Result(Generic[Task]):
    """A task's return value."""

    task: Task
    value: Any


@dataclass(frozen=True, slots=True)
class Failure(Generic[Task]):
    """A task that failed, by an exception or by the death of its worker."""

    task: Task
    error: Exception


def side_by_side(
    work: Callable[[Task, Send], Any], tasks: Iterable[Task], workers: int
) -> Generator[Message[Task] | Result[Task] | Failure[Task]]:
    """Run tasks in worker processes and yield their messages, results and failures as they come.

    A task is taken from ``tasks`` only when a worker is idle. Closing or interrupting the
    generator terminates the workers immediately.

    Args:
        work: an importable function of the task and of ``send``, which yields a message here.
        tasks: picklable; consumed lazily.
        workers: maximum number of processes.
    """
    context = multiprocessing.get_context("spawn")  # torch's thread pool deadlocks after a fork
    remaining = iter(tasks)
    busy: dict[Connection, tuple[BaseProcess, Task]] = {}
    idle: list[tuple[Connection, BaseProcess]] = []
    started: list[BaseProcess] = []

    def hire() -> tuple[Connection, BaseProcess]:
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, work), daemon=True)
        process.start()
        there.close()  # otherwise the pipe would outlive the worker
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
            except OSError:  # the worker died while idle
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
                except (EOFError, OSError):  # OSError: it died while sending
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


def _serve(connection: Connection, work: Callable[[Any, Send], Any]) -> None:
    """Run tasks in a worker until the parent terminates it or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C

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
            "a worker process was killed (signal 9), often because memory ran out; finished runs "
            "are kept: run the command again, with fewer --workers if memory is short"
        )
    how = f"by signal {-code}" if code < 0 else f"with status {code}"
    return WorkerDiedError(
        f"a worker process exited {how}; finished runs are kept: run the command again"
    )


def count_workers(workers: str, tasks: int) -> int:
    """Return the number of processes for ``--workers``, at most one per task.

    Args:
        workers: a number, or ``auto`` for the number of usable cores.
        tasks: number of tasks.

    Raises:
        UserError: if ``workers`` is neither.
    """
    if workers == "auto":
        # Respects the process's CPU affinity and its container's quota.
        wanted = int(cpu_count())
    elif workers.isdecimal() and int(workers) > 0:
        wanted = int(workers)
    else:
        raise UserError(f"--workers = {workers!r} must be auto or a whole number greater than 0")
    return max(1, min(wanted, tasks))

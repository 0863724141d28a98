"""Local workers of a search, kept alive until its last trial, and a display of their progress."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import optuna

from pipeline.errors import UserError
from pipeline.runtime.address import STORAGE_VARIABLE
from pipeline.runtime.processes import PID
from study.search.plan import plan_of
from study.search.schedule import OWNER, TRIAL, Trial, deaths_key, is_done
from study.store.reconnect import NO_SERVER
from study.store.searches import all_trials
from study.store.storage import dead_attempts, fail_dead_attempts
from study.workers.assignment import worker_command
from study.workers.interrupts import counting_presses
from study.workers.membership import Membership
from study.workers.progress import SearchProgress, search_progress

if TYPE_CHECKING:
    from pipeline.runtime.tracking import Status, Tracker

POLL = 0.25  # seconds between two looks at the workers
MOST_RESTARTS = 20  # of workers that died without a trial to blame, before something must be wrong


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search has reached.

    Attributes:
        search: in its store.
        trials: all of them.
        ran: how many trials this call finished.
        stopped: why it ended early; empty if it did not.
    """

    search: optuna.Study
    trials: list[Trial]
    ran: int
    stopped: str = ""

    @property
    def finished(self) -> int:
        """Number of complete or pruned trials."""
        return sum(trial.is_finished for trial in self.trials)


def supervise(
    url: str,
    search: optuna.Study,
    data: Path,
    workers: int,
    timeout: float | None,
    target: int,
    tracker: "Callable[[], Tracker]",
) -> Outcome:
    """Keep local workers at a search until it has its trials, or the time is up.

    The first Ctrl-C lets the running trials finish, the second cancels them. Whatever happens, no
    trial and no record of this machine is left open.

    Args:
        url: the store's address.
        search: in that store.
        data: the prepared file.
        workers: number of processes.
        timeout: seconds after which to stop.
        target: how many finished trials there should be, whatever others want who work for the
            same search.
        tracker: opens the searches' experiment in MLflow; called only if there is something to
            record, because importing it takes seconds.
    """
    fail_dead_attempts(search)
    trials = all_trials(search)
    before = sum(trial.is_finished for trial in trials)
    member = Membership(url, search, target, tracker)
    if is_done(trials, target, plan_of(search).most):
        member.leave_finished()
        return Outcome(search, trials, 0)
    tracker()  # if it cannot be opened, nothing has begun
    member.join()
    ended: tuple[Status, str] = "FINISHED", ""
    stopped = ""
    try:
        member.open_record()
        start = partial(
            start_process,
            worker_command(search.study_name, data, target),
            {STORAGE_VARIABLE: url},
        )
        with search_progress(target, plan_of(search)) as progress, counting_presses() as presses:
            team = Team(start, workers, search)
            try:
                stopped = _watch(team, member, search, progress, timeout, presses)
            finally:
                team.end()
                fail_dead_attempts(search)
                progress.show(all_trials(search))
        if stopped:
            ended = "KILLED", stopped
    except BaseException as error:
        ended = "FAILED", str(error)
        raise
    finally:
        member.leave(*ended)
    trials = all_trials(search)
    return Outcome(search, trials, sum(trial.is_finished for trial in trials) - before, stopped)


def _watch(
    team: "Team",
    member: Membership,
    search: optuna.Study,
    progress: SearchProgress,
    timeout: float | None,
    presses: Callable[[], int],
) -> str:
    """Keep the workers alive until they end by themselves; return why they were ended, if so."""
    deadline = time.monotonic() + timeout if timeout is not None else None
    passed_on = 0
    while team.is_alive():
        time.sleep(POLL)
        progress.show(all_trials(search))
        member.beat()
        if deadline is not None and time.monotonic() > deadline:
            return f"stopped after the {timeout:g} seconds of --timeout"
        pressed = presses()
        if pressed > passed_on:
            progress.say(
                "waiting for running trials to finish; press Ctrl-C again to cancel them"
                if pressed == 1
                else "cancelling the running trials"
            )
            team.interrupt(at_once=pressed > 1)
            passed_on = pressed
        team.replace_dead(restart=passed_on == 0)
    return "interrupted by the user" if passed_on else ""


def start_process(
    command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a process that a terminal's Ctrl-C does not reach: its supervisor passes it on.

    Args:
        command: the words of its command line.
        environment: what it has in addition to this process's.
    """
    return subprocess.Popen(command, process_group=0, env=os.environ | environment)


class Team:
    """The local workers of a search.

    Args:
        start: starts one worker.
        size: number of workers.
        search: the search that they work on.
    """

    def __init__(
        self, start: Callable[[], subprocess.Popen[bytes]], size: int, search: optuna.Study
    ) -> None:
        self._start = start
        self._search = search
        self._restarts = 0
        self._workers = [start() for _ in range(size)]

    def is_alive(self) -> bool:
        """Whether a worker is still running."""
        return any(worker.poll() is None for worker in self._workers)

    def interrupt(self, at_once: bool) -> None:
        """Let the workers end after their trial, or at once."""
        for worker in self._workers:
            if worker.poll() is None:
                # Not a second SIGINT: two in quick succession reach their receiver as one.
                worker.send_signal(signal.SIGTERM if at_once else signal.SIGINT)

    def replace_dead(self, restart: bool) -> None:
        """Note which workers died, and start others in their place.

        Raises:
            UserError: if a worker gave up, or workers keep dying.
        """
        for index, worker in enumerate(self._workers):
            code = worker.poll()
            if code is None or code == 0 or not restart:
                continue
            if code == UserError.exit_code:
                raise UserError("a worker gave up; its reason is shown above")
            if not self._note_death(worker.pid, blame=code != NO_SERVER):
                self._restarts += 1
            if self._restarts > MOST_RESTARTS:
                raise UserError(
                    f"workers died {self._restarts} times, the last with status {code}; see above"
                )
            self._workers[index] = self._start()

    def _note_death(self, pid: int, *, blame: bool) -> bool:
        """Note a death at the trial that the worker was training; return whether there was one.

        A trial that kills each process that trains it, most likely by running out of memory, must
        not go on forever. So its deaths are counted, if it is to blame for them.
        """
        found = False
        for attempt in dead_attempts(self._search):
            noted = attempt.user_attrs
            if noted[OWNER].get(PID) == str(pid) and TRIAL in noted:
                found = True
                if blame:
                    key = deaths_key(noted[TRIAL])
                    deaths = int(self._search.user_attrs.get(key, 0))
                    self._search.set_user_attr(key, deaths + 1)
        fail_dead_attempts(self._search)
        return found

    def end(self) -> None:
        """End the workers that are still running; their trials are cancelled."""
        for worker in self._workers:
            if worker.poll() is None:
                worker.terminate()
        for worker in self._workers:
            worker.wait()

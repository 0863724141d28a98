"""Local workers of a search, kept alive until its last trial, and a display of their progress."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import optuna

from pipeline.errors import UserError
from pipeline.runtime.processes import PID
from pipeline.schemas.where import SEARCH_EXPERIMENT
from study.search.plan import PARENT, TARGET, plan_of
from study.search.schedule import OWNER, TRIAL, Trial, deaths_key, is_done
from study.store.reconcile import close_search, forget_recorded, is_recorded, reconcile
from study.store.reconnect import NO_SERVER
from study.store.searches import all_trials
from study.store.storage import fail_dead_attempts
from study.workers.interrupts import counting_presses
from study.workers.progress import SearchProgress, search_progress

if TYPE_CHECKING:
    from pipeline.runtime.tracking import MlflowRecord, Status, Tracker

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
    url: str, search: optuna.Study, data: Path, workers: int, timeout: float | None
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
    """
    target = int(search.user_attrs[TARGET])
    fail_dead_attempts(search)
    trials = all_trials(search)
    before = sum(trial.is_finished for trial in trials)
    if is_done(trials, target, plan_of(search).most):
        if not is_recorded(search):
            _close_records(search)
        return Outcome(search, trials, 0)
    # Imported only if there is a trial to train, because importing takes seconds.
    from pipeline.runtime.tracking import Tracker
    from study.workers.worker import worker_command

    tracker = Tracker.open(SEARCH_EXPERIMENT)  # closes what dead processes left open
    forget_recorded(search)
    parent = _parent(search, tracker)
    reconcile(search, tracker, parent.run_id)
    command = worker_command(url, search.study_name, data, os.getpid())
    ended: tuple[Status, str] = "FINISHED", ""
    stopped = ""
    try:
        with search_progress(target, plan_of(search)) as progress, counting_presses() as presses:
            team = Team(command, workers, search)
            try:
                stopped = _watch(team, search, progress, timeout, presses)
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
        close_search(search, tracker, parent, *ended)
    trials = all_trials(search)
    return Outcome(search, trials, sum(trial.is_finished for trial in trials) - before, stopped)


def _close_records(search: optuna.Study) -> None:
    """Close the records of a finished search, whose last process died or found no disk before."""
    from pipeline.runtime.tracking import Tracker

    tracker = Tracker.open(SEARCH_EXPERIMENT)
    parent = tracker.resume(search.user_attrs.get(PARENT, ""), search.study_name)
    if parent is not None:
        ended = parent.status() == "FINISHED"
        reason = "" if ended else "the search was finished; its last process died before that"
        close_search(search, tracker, parent, reason=reason)


def _parent(search: optuna.Study, tracker: "Tracker") -> "MlflowRecord":
    """The search's own record: its existing one, reopened, or a new one."""
    record = tracker.reopen(search.user_attrs.get(PARENT, ""), search.study_name)
    if record is None:
        plan = plan_of(search)
        settings = plan.search.model_dump(exclude={"space", "trials", "first", "confirm"})
        space = {f"space.{one.name}": one.model_dump_json() for one in plan.search.space}
        record = tracker.start(search.study_name, settings | space)
        record.log_dataset(plan.data, plan.data_hash, "training and validation")
        search.set_user_attr(PARENT, record.run_id)
    return record


def _watch(
    team: "Team",
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


def start_process(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a process that a terminal's Ctrl-C does not reach: its supervisor passes it on."""
    return subprocess.Popen(command, process_group=0)


class Team:
    """The local workers of a search.

    Args:
        command: starts one worker.
        size: number of workers.
        search: the search that they work on.
    """

    def __init__(self, command: Sequence[str], size: int, search: optuna.Study) -> None:
        self._command = command
        self._search = search
        self._restarts = 0
        self._workers = [start_process(command) for _ in range(size)]

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
            self._workers[index] = start_process(self._command)

    def _note_death(self, pid: int, *, blame: bool) -> bool:
        """Note a death at the trial that the worker was training; return whether there was one.

        A trial that kills each process that trains it, most likely by running out of memory, must
        not go on forever. So its deaths are counted, if it is to blame for them.
        """
        found = False
        states = (optuna.trial.TrialState.RUNNING,)
        for attempt in self._search.get_trials(deepcopy=False, states=states):
            noted = attempt.user_attrs
            if noted.get(OWNER, {}).get(PID) == str(pid) and TRIAL in noted:
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

"""A search from its plan to its last trial: local workers, kept alive, and a display of them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import optuna

from pipeline.errors import UserError
from pipeline.runtime.processes import PID
from pipeline.runtime.tracking import MlflowRecord, Status, Tracker
from study.search.plan import PARENT, PLAN, TARGET, Plan, plan_of
from study.search.schedule import OWNER, TURN, Turn, deaths_key, first_finished, turns_of
from study.store.reconcile import reconcile
from study.store.reconnect import NO_SERVER
from study.store.storage import StoreLock, open_storage, reap
from study.workers.progress import SearchProgress, search_progress
from study.workers.worker import EXPERIMENT

POLL = 0.25  # seconds between looks at the workers
MOST_RESTARTS = 20  # of workers that died without a trial to blame, before something must be wrong


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search came to, or had come to already.

    Attributes:
        search: in its store.
        turns: all of them.
        ran: how many trials this call finished.
        stopped: why it ended before its time; empty where it did not.
    """

    search: optuna.Study
    turns: list[Turn]
    ran: int
    stopped: str = ""

    @property
    def finished(self) -> int:
        """Trials that are complete or pruned."""
        return sum(turn.is_finished for turn in self.turns)


def open_search(url: str, plan: Plan, name: str, target: int) -> tuple[optuna.Study, bool]:
    """The plan's search, and whether it is new.

    Raises:
        UserError: if a search of that name has another plan.
    """
    storage = open_storage(url)
    with StoreLock(url, f"open-{name}"):
        existing = name in optuna.get_all_study_names(storage)
        search = optuna.create_study(
            storage=storage, study_name=name, directions=plan.directions, load_if_exists=True
        )
        stored = search.user_attrs.get(PLAN)
        if stored is None:
            search.set_user_attr(PLAN, plan.model_dump_json())
        elif plan_of(search).name != plan.name:
            raise UserError(
                f"the search {name} in {url} has another plan (space, objective, data, protocol or "
                "code); leave --name out to start a new one, or give another name"
            )
        search.set_user_attr(TARGET, target)
        return search, not existing


def all_turns(search: optuna.Study) -> list[Turn]:
    """The turns of a search as they are now."""
    return turns_of(search.get_trials(deepcopy=False), search.user_attrs)


def run_search(
    url: str, search: optuna.Study, data: Path, workers: int, timeout: float | None
) -> Outcome:
    """Run local workers until the search has its trials, or the time is over.

    The first Ctrl-C lets the running trials end, the second cancels them. Whatever happens, no
    trial and no record of this machine is left open.
    """
    target = int(search.user_attrs[TARGET])
    reap(search)
    turns = all_turns(search)
    before = sum(turn.is_finished for turn in turns)
    tracker = Tracker.open(EXPERIMENT)  # ends what dead processes left open
    if len(first_finished(turns, target)) >= target:
        # The last run may have finished the trials and died, or found no disk, before the records.
        recorded = tracker.resume(search.user_attrs.get(PARENT, ""))
        if recorded is not None:
            reconcile(search, tracker, recorded.run_id)
            if recorded.status() != "FINISHED":
                recorded.finish(reason="the search was finished; its last process died before that")
        return Outcome(search, turns, 0)
    parent = _parent(search, tracker)
    reconcile(search, tracker, parent.run_id)
    words = [sys.executable, "-m", "study", "worker", "--storage", url]
    words += ["--name", search.study_name, "--data", str(data), "--supervisor", str(os.getpid())]
    ended: tuple[Status, str] = "FINISHED", ""
    stopped = ""
    try:
        with search_progress(target, plan_of(search)) as progress, _presses() as presses:
            team = Team(words, workers, search)
            try:
                stopped = _supervise(team, search, progress, timeout, presses)
            finally:
                team.end()
                reap(search)
                progress.show(all_turns(search))
        if stopped:
            ended = "KILLED", stopped
    except BaseException as error:
        ended = "FAILED", str(error)
        raise
    finally:
        try:
            reconcile(search, tracker, parent.run_id)
        finally:
            parent.finish(*ended)
    turns = all_turns(search)
    return Outcome(search, turns, sum(turn.is_finished for turn in turns) - before, stopped)


def _parent(search: optuna.Study, tracker: Tracker) -> MlflowRecord:
    """The search's own record: the one that it has, open again, or a new one."""
    record = tracker.reopen(search.user_attrs.get(PARENT, ""))
    if record is None:
        plan = plan_of(search)
        settings = plan.search.model_dump(exclude={"space", "trials"})
        space = {f"space.{one.name}": one.model_dump_json() for one in plan.search.space}
        record = tracker.start(search.study_name, settings | space)
        record.log_dataset(plan.data, plan.data_hash, "training and validation")
        search.set_user_attr(PARENT, record.run_id)
    return record


def _supervise(
    team: "Team",
    search: optuna.Study,
    progress: SearchProgress,
    timeout: float | None,
    presses: Callable[[], int],
) -> str:
    """Keep the workers alive until they end by themselves; why they were ended before, if so."""
    deadline = time.monotonic() + timeout if timeout is not None else None
    passed_on = 0
    while team.is_alive():
        time.sleep(POLL)
        progress.show(all_turns(search))
        if deadline is not None and time.monotonic() > deadline:
            return f"the {timeout:g} seconds of --timeout are over"
        pressed = presses()
        if pressed > passed_on:
            progress.say(
                "the running trials end; press Ctrl-C again to cancel them"
                if pressed == 1
                else "the running trials are cancelled"
            )
            team.interrupt(at_once=pressed > 1)
            passed_on = pressed
        team.tend(restart=passed_on == 0)
    return "interrupted by the user" if passed_on else ""


class Team:
    """The local workers of a search.

    Args:
        words: that start one.
        size: how many.
        search: that they work for.
    """

    def __init__(self, words: Sequence[str], size: int, search: optuna.Study) -> None:
        self._words = words
        self._search = search
        self._restarts = 0
        # Each in a group of its own: a terminal's Ctrl-C reaches this process alone, which passes
        # it on.
        self._workers = [self._hire() for _ in range(size)]

    def _hire(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._words, process_group=0)

    def is_alive(self) -> bool:
        """Whether one of them is at work."""
        return any(worker.poll() is None for worker in self._workers)

    def interrupt(self, at_once: bool) -> None:
        """Let them end after their trial, or at once."""
        for worker in self._workers:
            if worker.poll() is None:
                # Not a second SIGINT: two that come close together are one to their receiver.
                worker.send_signal(signal.SIGTERM if at_once else signal.SIGINT)

    def tend(self, restart: bool) -> None:
        """Note who died, and start others in their places.

        Raises:
            UserError: if a worker gave up, or one dies after the other.
        """
        for index, worker in enumerate(self._workers):
            code = worker.poll()
            if code is None or code == 0 or not restart:
                continue
            if code == UserError.exit_code:
                raise UserError("a worker gave up; its reason stands above")
            if not self._note_death(worker.pid, blame=code != NO_SERVER):
                self._restarts += 1
            if self._restarts > MOST_RESTARTS:
                raise UserError(
                    f"workers died {self._restarts} times, the last with status {code}; see above"
                )
            self._workers[index] = self._hire()

    def _note_death(self, pid: int, *, blame: bool) -> bool:
        """Note a death at the turn that the worker was at; whether it was at one.

        A turn that kills each process that tries it, for want of memory most likely, must not go
        on for ever, so that its deaths are counted: those that it is to blame for.
        """
        found = False
        states = (optuna.trial.TrialState.RUNNING,)
        for trial in self._search.get_trials(deepcopy=False, states=states):
            if trial.user_attrs.get(OWNER, {}).get(PID) == str(pid) and TURN in trial.user_attrs:
                found = True
                if blame:
                    key = deaths_key(trial.user_attrs[TURN])
                    deaths = int(self._search.user_attrs.get(key, 0))
                    self._search.set_user_attr(key, deaths + 1)
        reap(self._search)
        return found

    def end(self) -> None:
        """End those that are still at work; their trials are cancelled."""
        for worker in self._workers:
            if worker.poll() is None:
                worker.terminate()
        for worker in self._workers:
            worker.wait()


@contextmanager
def _presses() -> Iterator[Callable[[], int]]:
    """How often Ctrl-C was pressed. A SIGTERM counts as two: there is no time to finish."""
    count = 0

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal count
        count += 1 if number == signal.SIGINT else 2

    before = {number: signal.signal(number, press) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: count
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

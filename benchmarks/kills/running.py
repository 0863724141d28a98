"""A search that is killed, stopped, told another time, and met by a second command."""

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from optuna.trial import TrialState

from benchmarks.kills.books import (
    differences,
    leftovers,
    load,
    tracebacks,
    trials_in,
    wrong_records,
)
from benchmarks.kills.project import Process, Project, Report, Task, family, kill, kill_family
from pipeline.runtime.processes import PID
from study.search.schedule import FAULT, OWNER
from study.store.opening import GRACE

TRIALS = 24
PAUSE = 5.0  # seconds at most; once, in a long session, more than a heartbeat may be late
LONG_SESSION = 40  # kills
SKEW = """
import psutil._pslinux as linux
_boot = linux.boot_time
linux.boot_time = lambda: _boot() + 3600  # as after a step of the wall clock
"""


def disturb_search(task: Task) -> Report:
    """Disturb a search, finish it, and compare it with an undisturbed one of one worker."""
    report = Report()
    alone, project = (Project(task.root, task.place / name) for name in ("alone", "disturbed"))
    alone.run("run", "--trials", str(TRIALS), "--workers", "1").check_returncode()
    skew = task.place / "skew"
    skew.mkdir()
    (skew / "sitecustomize.py").write_text(SKEW)
    session = Session(project, report, task.chance, skew, task.kills >= LONG_SESSION)
    while task.goes_on(report):
        session.disturb_once()
    session.finish()
    found = trials_in(project.place)
    report.problems += differences(TRIALS, trials_in(alone.place), found)
    report.problems += wrong_records(project.place) + leftovers(project.place)
    report.problems += tracebacks(project.log)
    again = sum(len(trial.attempts) - 1 for trial in found)
    report.notes.append(f"{again} attempts were lost and retried")
    return report


class Session:
    """The disturbances of one search, which is started again whenever it has ended.

    Args:
        project: where it runs.
        report: receives what happened.
        chance: decides what happens.
        skew: folder that tells Python another time of boot.
        long: whether to stop a worker once for longer than its heartbeat may be late.
    """

    def __init__(
        self, project: Project, report: Report, chance: random.Random, skew: Path, long: bool
    ) -> None:
        self._project = project
        self._report = report
        self._chance = chance
        self._skew = skew
        self._long = long
        self._target = TRIALS
        self._process = self._start()
        self._kinds: dict[str, tuple[Callable[[], None], int]] = {
            "worker": (self._kill_worker, 3),
            "supervisor": (self._kill_supervisor, 2),
            "whole search": (self._kill_all, 3),
            "stop and continue": (self._pause, 1),
            "clock": (self._step_clock, 1),
            "second command": (self._meet, 1),
        }

    def _start(self) -> Process:
        return self._project.start("run", "--trials", str(TRIALS), "--workers", "2")

    def disturb_once(self) -> None:
        """Let the search run for a while, then disturb it."""
        time.sleep(self._chance.uniform(0.5, 5.0))
        status = self._process.poll()
        if status is not None:
            finished = sum(trial.is_finished for trial in trials_in(self._project.place))
            if status == 0 and finished < TRIALS:
                self._report.problems.append(f"status 0 after {finished} of {TRIALS} trials")
            if finished >= TRIALS:  # begin it again: the same plan gives the same trials
                self._project.run("delete", load(self._project.place).study_name, "--yes")
            self._process = self._start()
            return
        names = list(self._kinds)
        (name,) = self._chance.choices(names, [self._kinds[one][1] for one in names])
        self._kinds[name][0]()
        self._report.kills[name] += 1

    def finish(self) -> None:
        """Let the search end by itself, in a new process if its own was killed."""
        kill_family(self._process)
        last = self._project.run("run", "--trials", str(TRIALS), "--workers", "2")
        if last.returncode != 0:
            self._report.problems.append(f"the last command ended with {last.returncode}")

    def _workers(self) -> list[psutil.Process]:
        return family(self._process)[1:]

    def _kill_worker(self) -> None:
        workers = self._workers()
        kill([self._chance.choice(workers)] if workers else [])

    def _kill_supervisor(self) -> None:
        kill(family(self._process)[:1])
        self._process.wait()
        self._process = self._start()

    def _kill_all(self) -> None:
        kill_family(self._process)
        self._process = self._start()

    def _pause(self) -> None:
        workers = self._workers()
        if not workers:
            return
        victim = self._chance.choice(workers)
        victim.send_signal(signal.SIGSTOP)
        time.sleep(GRACE + 8 if self._long else self._chance.uniform(0.5, PAUSE))
        self._long = False
        victim.send_signal(signal.SIGCONT)

    def _step_clock(self) -> None:
        """Look at the search as a process does that began after the clock was set."""
        path = f"{self._skew}:{self._project.environment['PYTHONPATH']}"
        before = self._running()
        self._project.start("doctor", "--fix", environment={"PYTHONPATH": path}).wait()
        trials = load(self._project.place).get_trials(deepcopy=False) if before else []
        for attempt in trials:
            failed = attempt.state == TrialState.FAIL and FAULT not in attempt.user_attrs
            if attempt.number in before and failed:
                self._report.problems.append("a step of the clock ended a living trial")

    def _running(self) -> set[int]:
        if not (self._project.place / "study.db").exists():
            return set()
        try:
            attempts = load(self._project.place).get_trials(deepcopy=False)
        except ValueError:  # there is no search yet
            return set()
        workers = {str(worker.pid) for worker in self._workers()}
        return {
            one.number
            for one in attempts
            if one.state == TrialState.RUNNING and one.user_attrs.get(OWNER, {}).get(PID) in workers
        }

    def _meet(self) -> None:
        """Run a second command of the same search that wants fewer trials, and maybe kill it."""
        other = self._project.start("run", "--trials", "2", "--workers", "1")
        time.sleep(self._chance.uniform(2.0, 6.0))
        if self._chance.random() < 0.5:
            kill_family(other)
        else:
            other.wait()

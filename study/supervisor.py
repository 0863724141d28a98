"""A search from its plan to its last trial: local workers, kept alive, and a display of them."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from pipeline.errors import UserError
from pipeline.tracking import Tracker
from study.plan import PARENT, PLAN, TARGET, Plan
from study.progress import SearchProgress, search_progress
from study.storage import FINISHED, StoreLock, open_storage, reap
from study.worker import EXPERIMENT

POLL = 0.5  # seconds between looks at the workers
MOST_RESTARTS = 20  # of workers that died, before something must be wrong


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search came to, or had come to already.

    Attributes:
        search: in its store.
        trials: the finished ones, by number.
        ran: how many of them this call ran.
    """

    search: optuna.Study
    trials: list[FrozenTrial]
    ran: int


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
        elif Plan.model_validate_json(stored).name != plan.name:
            raise UserError(
                f"the search {name} in {url} has another plan (space, objective, data or "
                "protocol); leave --name out to start a new one, or give another name"
            )
        search.set_user_attr(TARGET, target)
        return search, not existing


def finished_trials(search: optuna.Study) -> list[FrozenTrial]:
    """Complete and pruned trials, by number."""
    return search.get_trials(deepcopy=False, states=FINISHED)


def run_search(
    url: str, search: optuna.Study, data: Path, workers: int, timeout: float | None
) -> Outcome:
    """Run local workers until the search has its trials, or the time is over.

    The first Ctrl-C lets the running trials end, the second cancels them.
    """
    name = search.study_name
    target = int(search.user_attrs[TARGET])
    before = len(finished_trials(search))
    reap(search)
    if before >= target:
        return Outcome(search, finished_trials(search), 0)
    tracker = Tracker.open(EXPERIMENT)
    parent = tracker.reopen(search.user_attrs.get(PARENT, "")) or tracker.start(name, {})
    search.set_user_attr(PARENT, parent.run_id)
    command = [sys.executable, "-m", "study", "worker", "--storage", url, "--name", name]
    command += ["--data", str(data), "--supervisor", str(os.getpid())]
    status, reason = "FINISHED", ""
    with search_progress(target) as progress:
        try:
            _supervise(command, workers, search, progress, timeout)
        except KeyboardInterrupt:
            status, reason = "KILLED", "interrupted by the user"
            raise
        except BaseException as error:
            status, reason = "FAILED", str(error)
            raise
        finally:
            reap(search)
            progress.show(search.get_trials(deepcopy=False))
            parent.finish(status, reason)  # type: ignore[arg-type]
    trials = finished_trials(search)
    return Outcome(search, trials, len(trials) - before)


def _supervise(
    command: Sequence[str],
    workers: int,
    search: optuna.Study,
    progress: SearchProgress,
    timeout: float | None,
) -> None:
    """Keep the workers alive until they end by themselves, or the time is over."""
    deadline = time.monotonic() + timeout if timeout is not None else None
    target = int(search.user_attrs[TARGET])
    processes = [subprocess.Popen(command) for _ in range(workers)]
    restarts = 0
    try:
        while any(process.poll() is None for process in processes):
            time.sleep(POLL)
            trials = search.get_trials(deepcopy=False)
            progress.show(trials)
            if deadline is not None and time.monotonic() > deadline:
                return
            done = sum(trial.state in FINISHED for trial in trials) >= target
            for index, process in enumerate(processes):
                code = process.poll()
                if code is None or code == 0 or done:
                    continue
                if code == UserError.exit_code:
                    raise UserError("a worker gave up; its reason stands above")
                restarts += 1
                if restarts > MOST_RESTARTS:
                    raise UserError(
                        f"workers died {restarts} times, the last with status {code}; see above"
                    )
                processes[index] = subprocess.Popen(command)
    except KeyboardInterrupt:
        # The workers got the same signal and end after their trial, or at once at the second.
        for process in processes:
            process.wait()
        raise
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
        for process in processes:
            process.wait()

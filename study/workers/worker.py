"""The loop of every worker: choose a trial, train it, record it, until the search is done."""

import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import optuna
import psutil
import torch
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, TrialState

from pipeline.data.prepared import load_prepared
from pipeline.errors import UserError
from pipeline.runtime.code_version import git_commit
from pipeline.runtime.processes import identity
from pipeline.schemas.where import SEARCH_EXPERIMENT
from study.search.plan import PARENT, TARGET, code_hash, plan_of
from study.search.replay import Replay
from study.search.schedule import FAULT, OWNER, REASON, TRIAL, Trial, next_trial, trials_of
from study.search.space import distributions
from study.search.trial import TrialError
from study.store.reconnect import exit_if_disconnected
from study.store.searches import load_search
from study.store.storage import (
    StoreLock,
    explain_full_disk,
    fail_dead_attempts,
    is_dead,
    quiet_optuna,
    silence_heartbeat_on_full_disk,
)
from study.workers.interrupts import heeding_interrupts
from study.workers.runner import TrialRunner

if TYPE_CHECKING:
    from pipeline.runtime.tracking import Tracker

POLL = 0.25  # seconds between two looks while other processes train
MOST_FAILURES = 10  # in a row, before the search is abandoned


def worker_command(url: str, name: str, data: Path, supervisor: int) -> list[str]:
    """Return the command that starts a process which calls ``work`` with these arguments."""
    command = [sys.executable, "-m", "study", "worker", "--storage", url, "--name", name]
    return [*command, "--data", str(data), "--supervisor", str(supervisor)]


def work(url: str, name: str, data: Path, supervisor: int | None = None) -> None:
    """Train trials of a search until it has as many finished trials as it should have.

    Args:
        url: the store's address.
        name: the search's name.
        data: the prepared file.
        supervisor: process id without which the worker ends after its trial.

    Raises:
        UserError: if the search or its data are missing, or trials do nothing but fail.
    """
    quiet_optuna()
    silence_heartbeat_on_full_disk()
    torch.set_num_threads(1)
    # The server may be restarting while a supervised worker starts.
    search = load_search(url, name, awaited=supervisor is not None)
    plan = plan_of(search)
    prepared = load_prepared(data, splits=("train", "valid"))
    if prepared.hash != plan.data_hash:
        raise UserError(
            f"{data} (hash {prepared.hash[:12]}) is not the data of search {name} "
            f"({plan.data_hash[:12]}); prepare it with the search's settings"
        )
    if plan.code != code_hash(plan.search.objective):
        raise UserError(
            f"search {name} was started with different code; run `study run` for a search with "
            "this code, or check out the code that started it"
        )
    replay = Replay(plan, name)
    parent = search.user_attrs.get(PARENT, "")
    lock = StoreLock(url, f"ask-{name}")
    lost = "a worker lost its connection to the store and ends; its trial will be retried"
    with exit_if_disconnected(lost), explain_full_disk(url), heeding_interrupts() as asked:
        runner = TrialRunner(
            plan,
            prepared,
            cache(open_tracker),
            parent,
            replay,
            git_commit(),
            lambda: asked.cancelled,
        )
        while not asked.ending:
            if supervisor is not None and not psutil.pid_exists(supervisor):
                break
            if not claim_and_train(search, lock, runner):
                break
        runner.close()


def open_tracker() -> "Tracker":
    """Open the searches' experiment in MLflow, whose import takes more than a second."""
    from pipeline.runtime.tracking import Tracker

    return Tracker.open(SEARCH_EXPERIMENT)


def claim_and_train(search: optuna.Study, lock: StoreLock, runner: TrialRunner) -> bool:
    """Train one trial, or wait a moment for those of other processes.

    Counting, choosing the values and taking the trial are one step behind the lock, so that the
    search never has a trial too many.

    Returns:
        Whether there is more to do.
    """
    plan = runner.plan
    with lock:
        attributes = search.user_attrs
        attempts = search.get_trials(deepcopy=False)
        if any(map(is_dead, attempts)):
            fail_dead_attempts(search)
            attempts = search.get_trials(deepcopy=False)
        trials = trials_of(attempts, attributes)
        step = next_trial(trials, int(attributes[TARGET]), plan.search.ahead, plan.most)
        search.sampler = RandomSampler()  # has nothing to decide: the parameters are set
        if step == "done":
            _empty_queue(search, attempts)
            return False
        if step == "wait":
            # On other machines too; starting an attempt looks for those by itself.
            fail_dead_attempts(search)
        else:
            _require_some_success(trials)
            queued = _enqueue(search, step, trials, runner)

            def objective(attempt: optuna.Trial) -> float | tuple[float, float]:
                if attempt.user_attrs.get(OWNER) != identity():  # one that a kill left in the queue
                    attempt.set_user_attr(OWNER, identity())
                if TRIAL not in attempt.user_attrs:
                    if not attempt.params:  # made because the queue was empty: the lock was lost
                        _give_back(attempt, "another process took the attempt that was queued")
                    attempt.set_user_attr(FAULT, "it was not put into the queue by the search")
                    raise TrialError(attempt.user_attrs[FAULT])
                if attempt.user_attrs[TRIAL] != step:
                    # Left in the queue by a kill or a restart; its own trial's time will come.
                    _give_back(attempt, f"trial {step} was due")
                if lock.may_be_lost:
                    _require_first(search, attempt)
                lock.release()
                return runner.train(attempt, attempt.params, trials)

            if queued:
                search.optimize(objective, n_trials=1, catch=(TrialError,))
                return True
            # The trial whose result it waits for may have died on another machine.
            fail_dead_attempts(search)
    time.sleep(POLL)
    return True


def _enqueue(search: optuna.Study, number: int, trials: list[Trial], runner: TrialRunner) -> bool:
    """Put a trial's next attempt into the queue, from which it is taken at once.

    It is written with all its parameters in one transaction: a kill leaves it there whole, or not
    at all.

    Returns:
        Whether the attempt can begin. A trial that is trained already waits for the result.
    """
    if number == len(trials):
        chosen = runner.replay.propose(number, trials)
    else:
        chosen = runner.replay.retry(number, trials)
    twin = runner.replay.twin(number, trials)
    if twin is not None and not twin.is_ended:
        return False
    if number < len(trials) and trials[number].is_waiting:
        return True
    search.add_trial(
        optuna.create_trial(
            state=TrialState.WAITING,
            params=chosen,
            distributions=distributions(chosen, runner.plan.search.space),
            user_attrs={TRIAL: number, OWNER: identity()},
        )
    )
    return True


def _require_first(search: optuna.Study, taken: optuna.Trial) -> None:
    """Continue with an attempt only if no earlier attempt at the same trial is alive.

    A restart of the server takes the lock from a process that is about to queue an attempt, and
    may make it do so twice; so a trial can have two attempts at once. The store numbers them one
    after the other, and whoever took the later one sees the earlier: exactly one continues.

    Raises:
        TrialError: if this is the later one.
    """
    for attempt in search.get_trials(deepcopy=False)[: taken.number]:
        same = attempt.user_attrs.get(TRIAL) == taken.user_attrs.get(TRIAL)
        if same and (attempt.state != TrialState.FAIL or FAULT in attempt.user_attrs):
            _give_back(taken, f"another attempt at trial {taken.user_attrs.get(TRIAL)} came first")


def _empty_queue(search: optuna.Study, attempts: list[FrozenTrial]) -> None:
    """Fail what waits although the search is done, such as second attempts at finished trials."""

    def refuse(attempt: optuna.Trial) -> float:
        attempt.set_user_attr(OWNER, identity())
        _give_back(attempt, "the search is done")

    waiting = sum(attempt.state == TrialState.WAITING for attempt in attempts)
    if waiting:
        search.optimize(refuse, n_trials=waiting, catch=(TrialError,))


def _give_back(attempt: optuna.Trial, reason: str) -> NoReturn:
    """End an attempt that was taken and should not run."""
    attempt.set_user_attr(REASON, reason)
    raise TrialError(reason)


def _require_some_success(trials: list[Trial]) -> None:
    last = [trial for trial in trials if trial.is_ended][-MOST_FAILURES:]
    if len(last) == MOST_FAILURES and all(trial.has_failed for trial in last):
        raise UserError(
            f"the last {MOST_FAILURES} trials failed, most recently: {last[-1].reason}; change "
            "search.space or section train"
        )

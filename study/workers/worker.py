"""The loop of every worker: choose a trial, train it, record it, until the search is done."""

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import optuna
import torch
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, TrialState

from pipeline.data.prepared import load_prepared
from pipeline.errors import UserError
from pipeline.runtime.background import in_background
from pipeline.runtime.code_version import git_commit
from pipeline.runtime.processes import has_died, identity
from study.search.code import code_hash
from study.search.plan import PARENT, plan_of
from study.search.replay import Replay
from study.search.schedule import FAULT, OWNER, REASON, TRIAL, Trial, next_trial, trials_of
from study.search.space import distributions
from study.search.trial import TrialError
from study.store.deletion import (
    SearchDeletedError,
    explain_deletion,
    silence_heartbeat_after_deletion,
)
from study.store.joining import load_search
from study.store.members import living_members, wanted_trials
from study.store.opening import GRACE
from study.store.quiet import quiet_optuna
from study.store.reconcile import COMMIT
from study.store.reconnect import exit_if_disconnected
from study.store.searches import find_search
from study.store.storage import (
    StoreLock,
    explain_full_disk,
    fail_dead_attempts,
    is_dead,
    silence_heartbeat_on_full_disk,
)
from study.workers.assignment import Assignment
from study.workers.interrupts import Interrupts, heeding_interrupts
from study.workers.membership import Membership, open_tracker
from study.workers.runner import TrialRunner

if TYPE_CHECKING:
    from pipeline.runtime.tracking import Tracker

POLL = 0.25  # seconds between two looks while other processes train
MOST_FAILURES = 10  # in a row, before the search is abandoned


def work(url: str, name: str, data: Path, assignment: Assignment | None = None) -> None:
    """Train trials of a search until it has as many finished trials as it should have.

    Args:
        url: the store's address.
        name: the search's name.
        data: the prepared file.
        assignment: by a supervisor, which also keeps the search's records; without one, the worker
            is a member of the search by itself.

    Raises:
        UserError: if the search or its data are missing, or trials do nothing but fail.
    """
    quiet_optuna()
    silence_heartbeat_on_full_disk()
    torch.set_num_threads(1)
    prepared = load_prepared(data, splits=("train", "valid"))
    if assignment is None:
        find_search(url, name)  # so that nothing is opened to write to it in vain
    # The server may be restarting while a supervised worker starts.
    search = load_search(url, name, awaited=assignment is not None)
    silence_heartbeat_after_deletion(search)
    plan = plan_of(search)
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
    lock = StoreLock(url, f"ask-{name}")
    # The supervisor made sure that there is a server; if that is away now, trials go on.
    tracker = cache(partial(open_tracker, wait=assignment is None))
    lost = "a worker lost its connection to the store and ends; its trial will be retried"
    with (
        exit_if_disconnected(lost),
        explain_full_disk(url),
        _reporting_deletion(search, assignment),
        heeding_interrupts() as asked,
        _part_in(url, search, assignment, tracker, asked) as (parent, target),
    ):
        runner = TrialRunner(
            plan,
            prepared,
            tracker,
            parent,
            Replay(plan, name),
            git_commit(),
            lambda: asked.cancelled,
        )
        while not asked.ending:
            wanted = target()
            if wanted is None or not claim_and_train(search, lock, runner, wanted):
                break
        runner.close()


@contextmanager
def _reporting_deletion(search: optuna.Study, assignment: Assignment | None) -> Iterator[None]:
    """Report in one line that the search was deleted; a supervisor does so for its workers."""
    try:
        with explain_deletion(search):
            yield
    except SearchDeletedError as error:
        if assignment is None:
            raise
        sys.exit(error.exit_code)


@contextmanager
def _part_in(
    url: str,
    search: optuna.Study,
    assignment: Assignment | None,
    tracker: "Callable[[], Tracker]",
    asked: Interrupts,
) -> Iterator[tuple[Callable[[], str], Callable[[], int | None]]]:
    """Take part in a search during the block.

    Yields:
        What returns the id of the search's record in MLflow, and what returns how many finished
        trials there should be: None if the worker should end, because its supervisor died.
    """
    if assignment is not None:
        given = assignment
        parent = search.user_attrs.get(PARENT, "")
        yield lambda: parent, lambda: None if has_died(given.supervisor) else given.trials
        return
    member = Membership(url, search, wanted_trials(search.user_attrs), tracker)
    tracker()  # if it cannot be opened, nothing has begun
    member.join()
    # In the background, like all that is recorded, so that the first trial does not wait for it.
    opened: Future[None] = in_background(member.open_record)

    def target() -> int:
        member.beat()
        return wanted_trials(search.user_attrs)

    try:
        yield lambda: member.record, target
    except BaseException:
        asked.ending = True
        raise
    finally:
        try:
            opened.result()
        finally:
            if asked.ending:
                member.leave("KILLED", "interrupted by the user")
            else:
                member.leave("FINISHED")


def claim_and_train(
    search: optuna.Study, lock: StoreLock, runner: TrialRunner, target: int
) -> bool:
    """Train one trial, or wait a moment for those of other processes.

    Counting, choosing the values and taking the trial are one step behind the lock, so that the
    search never has a trial too many.

    Args:
        search: the search.
        lock: on claiming its trials.
        runner: trains them.
        target: how many finished trials there should be.

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
        step = next_trial(trials, target, plan.search.ahead, plan.most)
        search.sampler = RandomSampler()  # has nothing to decide: the parameters are set
        if step == "done":
            if len(living_members(attributes)) < 2:  # others may want more trials
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
                _train_once(search, step, objective, runner)
                return True
            # The trial whose result it waits for may have died on another machine.
            fail_dead_attempts(search)
    time.sleep(POLL)
    return True


def _train_once(
    search: optuna.Study,
    number: int,
    objective: Callable[[optuna.Trial], float | tuple[float, float]],
    runner: TrialRunner,
) -> None:
    """Train an attempt; go on without it if another process ended it in the meantime.

    A process that was stopped, or whose machine slept, is considered dead without heartbeats. When
    it continues, its trial has another attempt, and Optuna refuses the outcome of this one.
    """
    taken: list[int] = []
    failures: list[BaseException] = []

    def noting(attempt: optuna.Trial) -> float | tuple[float, float]:
        taken.append(attempt.number)
        try:
            return objective(attempt)
        except BaseException as error:
            failures.append(error)
            raise

    try:
        search.optimize(noting, n_trials=1, catch=(TrialError,))
    except Exception as error:
        # The objective's own failure reaches here only after it was stored.
        if not taken or error in failures or not _has_ended(search, taken[0]):
            raise
        runner.withdraw()
        click.echo(
            f"trial {number}: this worker was stopped or cut off for more than {GRACE} seconds, "
            "so the trial is attempted again; going on with the next one",
            err=True,
        )


def _has_ended(search: optuna.Study, number: int) -> bool:
    return search.get_trials(deepcopy=False)[number].state.is_finished()


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
            user_attrs={TRIAL: number, OWNER: identity(), COMMIT: runner.commit},
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

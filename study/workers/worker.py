"""The loop that every process of a search runs: ask, train, tell, until there are enough."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
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
from study.search.plan import PARENT, PLAN, TARGET, code_hash, plan_of
from study.search.replay import Replica
from study.search.schedule import FAULT, OWNER, REASON, TURN, Turn, next_turn, turns_of
from study.search.space import distributions
from study.store.reconnect import losing_the_server
from study.store.storage import (
    StoreLock,
    full_disk,
    is_dead,
    open_storage,
    quiet_optuna,
    reap,
    say_once_that_a_disk_is_full,
)
from study.workers.trial import TrialError, TrialRunner

if TYPE_CHECKING:
    from pipeline.runtime.tracking import Tracker

EXPERIMENT = "vae-study"
POLL = 0.25  # seconds between looks while the trials of others are waited for
MOST_FAILURES = 10  # in a row, before the search is given up


def work(url: str, name: str, data: Path, supervisor: int | None = None) -> None:
    """Run trials of a search until it has as many finished ones as it is to have.

    Args:
        url: of the store.
        name: of the search.
        data: the prepared file.
        supervisor: process id without which the worker ends after its trial.

    Raises:
        UserError: if the search or its data are not there, or nothing but failures comes.
    """
    quiet_optuna()
    say_once_that_a_disk_is_full()
    torch.set_num_threads(1)
    search = load_search(url, name)
    plan = plan_of(search)
    prepared = load_prepared(data, splits=("train", "valid"))
    if prepared.hash != plan.data_hash:
        raise UserError(
            f"{data} (hash {prepared.hash[:12]}) is not the data of search {name} "
            f"({plan.data_hash[:12]}); prepare it with the search's settings"
        )
    if plan.code != code_hash(plan.search.objective):
        raise UserError(
            f"search {name} was begun by other code than this; run `study run` for a search of "
            "this code, or check out the code that began it"
        )
    replica = Replica(plan, name)
    parent = search.user_attrs.get(PARENT, "")
    lock = StoreLock(url, f"ask-{name}")
    lost = "a worker lost its connection to the store and ends; its trial is tried again"
    with losing_the_server(lost), full_disk(url), heeding_interrupts() as asked:
        runner = TrialRunner(
            plan,
            prepared,
            cache(open_tracker),
            parent,
            replica,
            git_commit(),
            lambda: asked.cancelled,
        )
        while not asked.ending:
            if supervisor is not None and not psutil.pid_exists(supervisor):
                break
            if not claim_and_run(search, lock, runner):
                break
        runner.close()


def open_tracker() -> "Tracker":
    """The searches' experiment in MLflow, whose import takes a second and more."""
    from pipeline.runtime.tracking import Tracker

    return Tracker.open(EXPERIMENT)


@dataclass(slots=True)
class Interrupts:
    """What was asked for by signals: to end after the trial under way, or at once."""

    ending: bool = False
    cancelled: bool = False


@contextmanager
def heeding_interrupts() -> Iterator[Interrupts]:
    """The first Ctrl-C lets the trial under way end; the second, or a SIGTERM, cancels it."""
    asked = Interrupts()

    def press(number: int, frame: FrameType | None) -> None:
        asked.cancelled = asked.ending or number == signal.SIGTERM
        asked.ending = True
        if asked.cancelled:
            # May be lost in a destructor: the trial looks at the flag as well.
            raise KeyboardInterrupt

    tell = sys.unraisablehook

    def swallowed(failure: "sys.UnraisableHookArgs") -> None:
        # Python prints what a destructor had to swallow; the flag has kept this one.
        if not (asked.cancelled and failure.exc_type is KeyboardInterrupt):
            tell(failure)

    before = {number: signal.signal(number, press) for number in (signal.SIGINT, signal.SIGTERM)}
    sys.unraisablehook = swallowed
    try:
        yield asked
    finally:
        sys.unraisablehook = tell
        for number, handler in before.items():
            signal.signal(number, handler)


def load_search(url: str, name: str) -> optuna.Study:
    """An existing search.

    Raises:
        UserError: if the store has none of that name, or it is somebody else's.
    """
    storage = open_storage(url)
    try:
        search = optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        known = ", ".join(sorted(optuna.get_all_study_names(storage))) or "none"
        raise UserError(f"there is no search {name} in {url}; it has {known}") from None
    if PLAN not in search.user_attrs:
        raise UserError(f"the study {name} in {url} was not made by `study run`; name another")
    return search


def claim_and_run(search: optuna.Study, lock: StoreLock, runner: TrialRunner) -> bool:
    """Run one trial, or wait a moment for those of others; whether there is more to do.

    Counting, choosing the values and taking the trial are one step behind the lock. So the search
    never has a trial too many.
    """
    plan = runner.plan
    with lock:
        attributes = search.user_attrs
        trials = search.get_trials(deepcopy=False)
        if any(map(is_dead, trials)):
            reap(search)
            trials = search.get_trials(deepcopy=False)
        turns = turns_of(trials, attributes)
        step = next_turn(turns, int(attributes[TARGET]), plan.search.ahead, plan.most)
        search.sampler = RandomSampler()  # has nothing to decide: the parameters are set
        if step == "done":
            _empty_queue(search, trials)
            return False
        if step == "wait":
            reap(search)  # of other machines too; the start of a trial looks for those by itself
        else:
            _require_some_success(turns)
            _enqueue(search, step, turns, runner)

            def objective(trial: optuna.Trial) -> float | tuple[float, float]:
                if trial.user_attrs.get(OWNER) != identity():  # one that a kill left in the queue
                    trial.set_user_attr(OWNER, identity())
                if TURN not in trial.user_attrs:
                    if not trial.params:  # made where the queue was empty: the lock was lost
                        _give_back(trial, "another process took the trial that was queued")
                    trial.set_user_attr(FAULT, "it was not put into the queue by the search")
                    raise TrialError(trial.user_attrs[FAULT])
                if trial.user_attrs[TURN] != step:
                    # Left in the queue by a kill or a restart; its own turn will come again.
                    _give_back(trial, f"turn {step} was to be tried")
                if lock.may_be_lost:
                    _require_first(search, trial)
                lock.release()
                return runner.run(trial, trial.params, turns)

            search.optimize(objective, n_trials=1, catch=(TrialError,))
            return True
    time.sleep(POLL)
    return True


def _enqueue(search: optuna.Study, number: int, turns: list[Turn], runner: TrialRunner) -> None:
    """Put a turn's next try into the queue, from which it is taken at once.

    With all its parameters, in one transaction: a kill leaves it there whole, or not at all.
    """
    if number == len(turns):
        chosen = runner.replica.propose(number, turns)
    else:
        chosen = runner.replica.rejoin(number, turns)
        if turns[number].is_waiting:
            return
    search.add_trial(
        optuna.create_trial(
            state=TrialState.WAITING,
            params=chosen,
            distributions=distributions(chosen, runner.plan.search.space),
            user_attrs={TURN: number, OWNER: identity()},
        )
    )


def _require_first(search: optuna.Study, taken: optuna.Trial) -> None:
    """Go on with a turn only if no earlier try at it is alive.

    A restart of the server takes the lock from a process that is about to put a try into the
    queue, and may make it do so twice; so a turn can have two tries at once. The store numbers
    them one after the other, and whoever took the later one sees the earlier: one of them goes on.

    Raises:
        TrialError: if this is the later one.
    """
    for one in search.get_trials(deepcopy=False)[: taken.number]:
        same = one.user_attrs.get(TURN) == taken.user_attrs.get(TURN)
        if same and (one.state != TrialState.FAIL or FAULT in one.user_attrs):
            _give_back(taken, f"trial {one.number} tries the same")


def _empty_queue(search: optuna.Study, trials: list[FrozenTrial]) -> None:
    """Fail what waits though the search is done, such as second tries at turns that ended."""

    def refuse(trial: optuna.Trial) -> float:
        trial.set_user_attr(OWNER, identity())
        _give_back(trial, "the search is done")

    waiting = sum(one.state == TrialState.WAITING for one in trials)
    if waiting:
        search.optimize(refuse, n_trials=waiting, catch=(TrialError,))


def _give_back(trial: optuna.Trial, reason: str) -> NoReturn:
    """End a trial that was taken and is not to be run."""
    trial.set_user_attr(REASON, reason)
    raise TrialError(reason)


def _require_some_success(turns: list[Turn]) -> None:
    last = [turn for turn in turns if turn.is_ended][-MOST_FAILURES:]
    if len(last) == MOST_FAILURES and all(turn.is_refused for turn in last):
        raise UserError(
            f"the last {MOST_FAILURES} trials failed, the last one so: {last[-1].reason}; change "
            "search.space or section train"
        )

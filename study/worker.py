"""The loop that every process of a search runs: ask, train, tell, until there are enough."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import optuna
import psutil
import torch
from optuna.trial import FrozenTrial, TrialState

from pipeline.data import load_prepared
from pipeline.errors import UserError
from pipeline.tracking import Tracker
from study.candidates import suggest
from study.plan import PARENT, TARGET, plan_of
from study.storage import FINISHED, StoreLock, open_storage, quiet_optuna, reap
from study.trials import REASON, TrialRunner

EXPERIMENT = "vae-study"
POLL = 0.5  # seconds between looks while others finish
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
    torch.set_num_threads(1)
    search = load_search(url, name)
    plan = plan_of(search)
    prepared = load_prepared(data, splits=("train", "valid"))
    if prepared.hash != plan.data_hash:
        raise UserError(
            f"{data} (hash {prepared.hash[:12]}) is not the data of search {name} "
            f"({plan.data_hash[:12]}); prepare it with the search's settings"
        )
    tracker = Tracker.open(EXPERIMENT)
    runner = TrialRunner(plan, prepared, tracker, search.user_attrs.get(PARENT, ""))
    lock = StoreLock(url, f"ask-{name}")
    search.pruner = plan.pruner()
    with finishing_on_interrupt() as interrupted:
        while not interrupted():
            if supervisor is not None and not psutil.pid_exists(supervisor):
                return
            if not claim_and_run(search, lock, runner):
                return


@contextmanager
def finishing_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed once: the trial under way may end. The second time cancels it."""
    presses = 0

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        if presses > 1 or number == signal.SIGTERM:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, press) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: presses > 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def load_search(url: str, name: str) -> optuna.Study:
    """An existing search.

    Raises:
        UserError: if the store has none of that name.
    """
    storage = open_storage(url)
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        known = ", ".join(sorted(optuna.get_all_study_names(storage))) or "none"
        raise UserError(f"there is no search {name} in {url}; it has {known}") from None


def claim_and_run(search: optuna.Study, lock: StoreLock, runner: TrialRunner) -> bool:
    """Run one trial, or wait a moment for those of others; whether there is more to do.

    Counting, asking and choosing the values are one step behind the lock. So the search never has
    a trial too many, and no two workers ask with the same knowledge.
    """
    with lock:
        reap(search)
        trials = search.get_trials(deepcopy=False)
        finished = sum(trial.state in FINISHED for trial in trials)
        running = sum(trial.state == TrialState.RUNNING for trial in trials)
        target = int(search.user_attrs[TARGET])
        if finished >= target:
            return False
        if finished + running < target:
            _require_some_success(trials)
            search.sampler = runner.plan.sampler(asked=finished + running + _refused(trials))

            def objective(trial: optuna.Trial) -> float | tuple[float, float]:
                chosen = suggest(trial, runner.plan.search.space)
                lock.release()
                return runner.run(trial, chosen)

            search.optimize(objective, n_trials=1, catch=(Exception,))
            return True
    time.sleep(POLL)  # the last trials are under way; one of them may fail
    return True


def _refused(trials: list[FrozenTrial]) -> int:
    """Trials that failed by themselves, not by the death of their process."""
    return sum(trial.state == TrialState.FAIL and REASON in trial.user_attrs for trial in trials)


def _require_some_success(trials: list[FrozenTrial]) -> None:
    ended = [trial for trial in trials if trial.state in FINISHED or REASON in trial.user_attrs]
    last = ended[-MOST_FAILURES:]
    if len(last) == MOST_FAILURES and all(trial.state == TrialState.FAIL for trial in last):
        raise UserError(
            f"the last {MOST_FAILURES} trials failed, the last one so: "
            f"{last[-1].user_attrs[REASON]}; change search.space or section train"
        )

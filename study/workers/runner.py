"""A trial with its surroundings: recorded while it trains, pruned or cancelled on the way."""

import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import optuna
from optuna.trial import TrialState

from pipeline.data.prepared import PreparedData
from pipeline.errors import UserError
from pipeline.runtime.address import without_secrets
from pipeline.runtime.background import in_background
from study.outcome.ranking import is_new_best
from study.search.plan import Plan
from study.search.replay import Replay
from study.search.schedule import FAULT, REASON, TRACEBACK, TRIAL, TWIN, Trial, result_of
from study.search.space import Chosen
from study.search.trial import Check, Step, TrialError, train_trial
from study.store.reconcile import ATTEMPT_TAG, TWIN_TAG
from study.workers.best_model import keep_model
from study.workers.trial_record import OVERTAKEN, TrialRecord

if TYPE_CHECKING:
    from pipeline.runtime.tracking import Status, Tracker


@dataclass(slots=True)
class TrialRunner:
    """Trains and records the trials of one search in one process, which reads the data once.

    Attributes:
        plan: the search's plan.
        data: with the splits ``train`` and ``valid``.
        tracker: opens the search's experiment; called in the background of the first trial, because
            its import takes long.
        parent: returns the run id of the search; called in the background as well.
        replay: decides what is pruned.
        commit: of the code, for the record.
        cancelled: asked after each epoch whether the trial should end without a result.
    """

    plan: Plan
    data: PreparedData
    tracker: "Callable[[], Tracker]"
    parent: Callable[[], str]
    replay: Replay
    commit: str
    cancelled: Callable[[], bool] = lambda: False
    _record: TrialRecord | None = field(default=None, init=False)
    _ending: Future[None] | None = field(default=None, init=False)

    def train(
        self, attempt: optuna.Trial, chosen: Chosen, trials: Sequence[Trial]
    ) -> float | tuple[float, float]:
        """Train and record an attempt; return its value, or both values of rate-distortion.

        Args:
            attempt: the running attempt.
            chosen: what it tries.
            trials: all trials that there were when it began.

        Raises:
            TrialPruned: if it does worse than the others did at that point.
            TrialError: if the trial is at fault.
        """
        self.close()
        number = attempt.user_attrs[TRIAL]
        twin = self.replay.twin(number, trials)
        name, tags = f"trial {number}", {ATTEMPT_TAG: str(attempt.number)}
        if twin is not None:
            tags |= {TWIN_TAG: f"trial {twin.number}"}
        begun = in_background(
            lambda: self.tracker().start(name, chosen, self.parent(), self.commit, tags)
        )
        record = self._record = TrialRecord(attempt, begun, self.plan.search.epochs)
        ended: tuple[Status, str] = "FINISHED", ""
        try:
            if twin is not None:
                return _take(attempt, twin, record)
            return self._train(attempt, chosen, trials, record)
        except optuna.TrialPruned as pruned:
            ended = "KILLED", str(pruned)
            attempt.set_user_attr(REASON, str(pruned))
            raise
        except KeyboardInterrupt:
            ended = "KILLED", "interrupted by the user"
            raise
        except TrialError as error:
            ended = "FAILED", str(error)
            attempt.set_user_attr(FAULT, without_secrets(str(error)))
            if not isinstance(error.__cause__, UserError):
                trace = "".join(traceback.format_exception(error.__cause__))
                attempt.set_user_attr(TRACEBACK, without_secrets(trace))
            raise
        except BaseException as error:
            ended = "KILLED", f"{type(error).__name__}: {error}"
            raise
        finally:
            self._ending = record.finish(*ended)

    def close(self) -> None:
        """Wait until the record of the last trial is closed.

        Raises:
            MlflowException: if the tracker could not write it.
        """
        if self._ending is not None:
            self._ending.result()
            self._ending = None

    def withdraw(self) -> None:
        """Record that the last attempt was ended by another process, whatever came of it here."""
        self.close()
        if self._record is not None:
            self._record.run.finish("KILLED", OVERTAKEN)

    def _train(
        self, attempt: optuna.Trial, chosen: Chosen, trials: Sequence[Trial], record: TrialRecord
    ) -> float | tuple[float, float]:
        def observe(step: Step) -> None:
            if self.cancelled():
                raise KeyboardInterrupt
            if step.report is not None and step.replicate == 0:
                record.add(step.report)
            if step.check is not None:
                self._compare(record, step.check)

        start = time.perf_counter()
        result = train_trial(self.plan, self.data, chosen, observe)
        seconds = round(time.perf_counter() - start, 3)
        epochs = len(result.first.fit.history)
        record.note(result.metrics | {"epochs": epochs, "seconds": seconds})
        if self._is_best(attempt.study, trials, result.values):
            name = f"trial {attempt.user_attrs[TRIAL]}"
            keep_model(record.run, name, result.first, self.data, self.commit)
        return result.values[0] if len(result.values) == 1 else (result.values[0], result.values[1])

    def _compare(self, record: TrialRecord, check: Check) -> None:
        record.report(check.value, check.step)
        if self.replay.should_prune(check.value, check.step):
            raise optuna.TrialPruned(f"pruned after epoch {check.step} with {check.value:.2f} nats")

    def _is_best(
        self, search: optuna.Study, trials: Sequence[Trial], values: tuple[float, ...]
    ) -> bool:
        """Whether no complete trial is as good; with two objectives, each on the front is best."""
        # The trials known at the start usually give the answer without asking the store.
        return is_new_best(values, (trial.attempt for trial in trials), self.plan) and is_new_best(
            values, search.get_trials(deepcopy=False), self.plan
        )


def _take(attempt: optuna.Trial, twin: Trial, record: TrialRecord) -> float | tuple[float, float]:
    """Give an attempt the result of a trial of the same settings and seeds.

    Training is deterministic, so it would reach the same value again.
    """
    attempt.set_user_attr(TWIN, twin.number)
    theirs = twin.attempt
    for step, value in theirs.intermediate_values.items():
        record.report(value, step)
    result = result_of(theirs)
    record.note(result | {"epochs": 0, "seconds": 0.0})
    if theirs.state == TrialState.PRUNED:
        raise optuna.TrialPruned(f"same settings as trial {twin.number}")
    record.take(result)
    values = theirs.values
    return values[0] if len(values) == 1 else (values[0], values[1])

"""The search as one trial may know it, replayed in memory for the sampler and the pruner.

The store records what happened when; a sampler that read it would depend on accidents of timing.
The replay holds the trials in their order: those that the trial may know with their results, the
others as running, which keeps the sampler (constant liar) from choosing their points again. As a
side effect, no decision waits for the store.
"""

from collections.abc import Sequence

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from pipeline.settings.space import Value
from study.search.plan import Plan
from study.search.schedule import Trial, known
from study.search.space import Chosen, suggest


class Replay:
    """A search in memory; each process that trains trials has one.

    Args:
        plan: the search's plan.
        name: the search's name, by which Hyperband assigns its brackets.
    """

    def __init__(self, plan: Plan, name: str) -> None:
        self._plan = plan
        self._name = name
        self._restart()

    def _restart(self) -> None:
        self._search = optuna.create_study(
            study_name=self._name, directions=self._plan.directions, pruner=self._plan.pruner()
        )
        self._trials: list[optuna.Trial] = []  # in order
        self._settled = 0  # this many of the first trials have their results

    def propose(self, number: int, trials: Sequence[Trial]) -> Chosen:
        """Choose what a new trial tries.

        Args:
            number: the trial's number, one more than that of the last.
            trials: all trials before it.
        """
        self._advance(number, trials)
        point = self._plan.point(number)
        if point is not None:
            self._add(point)
            return point
        self._search.sampler = self._plan.sampler(number)
        trial = self._search.ask()
        self._trials.append(trial)
        return suggest(trial, self._plan.search.space)

    def retry(self, number: int, trials: Sequence[Trial]) -> Chosen:
        """Return what an earlier trial tried, for another attempt at it."""
        self._advance(number, trials)
        params = trials[number].params
        self._add(params)
        return params

    def should_prune(self, value: float, step: int) -> bool:
        """Whether the trial that was added last does worse than those that it may know."""
        trial = self._trials[-1]
        trial.report(value, step)
        return trial.should_prune()

    def _advance(self, number: int, trials: Sequence[Trial]) -> None:
        """Bring the replay to the state in which trial ``number`` is decided."""
        # Hyperband also compares with reports of running trials, which other processes cannot know.
        if number < len(self._trials) or self._plan.search.pruner == "hyperband":
            self._restart()
        for trial in trials[len(self._trials) : number]:
            self._add(trial.params)
        settled = known(trials, number, self._plan.search.ahead)
        for trial in settled[self._settled :]:
            self._settle(trial)
        self._settled = len(settled)

    def _add(self, params: dict[str, Value]) -> None:
        self._search.sampler = RandomSampler()
        self._search.enqueue_trial(params)
        trial = self._search.ask()
        suggest(trial, self._plan.search.space)
        self._trials.append(trial)

    def _settle(self, trial: Trial) -> None:
        """Give a replayed trial its result."""
        replayed, attempt = self._trials[trial.number], trial.attempt
        reported = self._search.get_trials(deepcopy=False)[trial.number].intermediate_values
        for step, value in attempt.intermediate_values.items():
            if step not in reported:
                replayed.report(value, step)
                if self._plan.search.pruner == "hyperband":
                    replayed.should_prune()  # notes the rung that the trial reached
        if trial.is_finished and attempt.state == TrialState.COMPLETE:
            self._search.tell(replayed, attempt.values)
        else:
            state = TrialState.PRUNED if trial.is_finished else TrialState.FAIL
            self._search.tell(replayed, state=state)

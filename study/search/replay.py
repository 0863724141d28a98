"""The search as a turn may know it, replayed in memory, where the sampler and the pruner decide.

The store holds what happened when; a sampler that read it would decide by the accidents of time.
Here the turns stand in their order: those that the turn may know with their results, the others
as running, which keeps the sampler (constant liar) from choosing their points again. As a side
effect no decision waits for the store.
"""

from collections.abc import Sequence

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from pipeline.settings.space import Value
from study.search.plan import Plan
from study.search.schedule import Turn, known
from study.search.space import Chosen, suggest


class Replica:
    """A search in memory; each process that runs trials has one.

    Args:
        plan: of the search.
        name: of the search; Hyperband deals its brackets by it.
    """

    def __init__(self, plan: Plan, name: str) -> None:
        self._plan = plan
        self._name = name
        self._begin()

    def _begin(self) -> None:
        self._search = optuna.create_study(
            study_name=self._name, directions=self._plan.directions, pruner=self._plan.pruner()
        )
        self._trials: list[optuna.Trial] = []  # one a turn, in order
        self._settled = 0  # so many of the first turns have their results

    def propose(self, number: int, turns: Sequence[Turn]) -> Chosen:
        """What a new turn tries.

        Args:
            number: of the turn; one more than the last.
            turns: all before it.
        """
        self._advance(number, turns)
        point = self._plan.point(number)
        if point is not None:
            self._join(point)
            return point
        self._search.sampler = self._plan.sampler(number)
        trial = self._search.ask()
        self._trials.append(trial)
        return suggest(trial, self._plan.search.space)

    def rejoin(self, number: int, turns: Sequence[Turn]) -> Chosen:
        """What a turn tries that was tried before."""
        self._advance(number, turns)
        params = turns[number].params
        self._join(params)
        return params

    def should_prune(self, value: float, step: int) -> bool:
        """Whether the turn that came last into the replica does worse than those it may know."""
        trial = self._trials[-1]
        trial.report(value, step)
        return trial.should_prune()

    def _advance(self, number: int, turns: Sequence[Turn]) -> None:
        """Bring the replica to the state in which turn ``number`` is decided."""
        # Hyperband compares with what running trials reported as well, which others cannot know.
        if number < len(self._trials) or self._plan.search.pruner == "hyperband":
            self._begin()
        for turn in turns[len(self._trials) : number]:
            self._join(turn.params)
        settled = known(turns, number, self._plan.search.ahead)
        for turn in settled[self._settled :]:
            self._settle(turn)
        self._settled = len(settled)

    def _join(self, params: dict[str, Value]) -> None:
        self._search.sampler = RandomSampler()
        self._search.enqueue_trial(params)
        trial = self._search.ask()
        suggest(trial, self._plan.search.space)
        self._trials.append(trial)

    def _settle(self, turn: Turn) -> None:
        """Give a turn its result."""
        trial, outcome = self._trials[turn.number], turn.trial
        reported = self._search.get_trials(deepcopy=False)[turn.number].intermediate_values
        for step, value in outcome.intermediate_values.items():
            if step not in reported:
                trial.report(value, step)
                if self._plan.search.pruner == "hyperband":
                    trial.should_prune()  # notes how far the trial came
        if turn.is_finished and outcome.state == TrialState.COMPLETE:
            self._search.tell(trial, outcome.values)
        else:
            state = TrialState.PRUNED if turn.is_finished else TrialState.FAIL
            self._search.tell(trial, state=state)

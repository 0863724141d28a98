"""The search as one trial may know it, replayed in memory for the sampler and the pruner.

The store records what happened when; a sampler that read it would depend on accidents of timing.
The replay holds the trials in their order: those that the trial may know with their results, the
others as running, which keeps the sampler (constant liar) from choosing their points again. As a
side effect, no decision waits for the store.

Like is compared with like. Trials that share the choices of ``search.balance`` have a sampler of
their own, and those that share the values of ``search.prune_within`` are pruned among themselves.
"""

from collections.abc import Iterable, Mapping, Sequence

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from pipeline.settings.space import Value
from study.search.plan import COMPLETE_SHARE, FEWEST_COMPLETE, Plan
from study.search.schedule import Trial, known
from study.search.space import Chosen, as_suggested, identity_of, suggest, to_run


class _Group:
    """Trials that are compared with each other, as a study of Optuna's in memory."""

    def __init__(self, plan: Plan, name: str) -> None:
        self._space = plan.search.space
        self._hyperband = plan.search.pruner == "hyperband"
        self._replayed: dict[int, optuna.Trial] = {}
        self._complete = 0
        # Hyperband assigns its brackets by the study's name.
        self._study = optuna.create_study(
            study_name=name, directions=plan.directions, pruner=plan.pruner()
        )

    def __contains__(self, number: int) -> bool:
        return number in self._replayed

    def __len__(self) -> int:
        return len(self._replayed)

    def ask(self, number: int, sampler: optuna.samplers.BaseSampler, given: Chosen) -> Chosen:
        """Let a sampler choose what a trial tries, apart from the given choices."""
        self._study.sampler = sampler
        self._replayed[number] = trial = self._study.ask()
        return suggest(trial, self._space, given)

    def add(self, number: int, point: Mapping[str, Value], given: Mapping[str, Value]) -> None:
        """Add a running trial whose point is known."""
        own = {name: value for name, value in point.items() if name not in given}
        self._study.enqueue_trial(as_suggested(own, self._space))
        self.ask(number, RandomSampler(), dict(given))

    def should_prune(self, number: int, value: float, step: int) -> bool:
        """Whether a trial does worse than the others, of which enough are complete."""
        trial = self._replayed[number]
        trial.report(value, step)
        # Trials that are still running count as if they were pruned, however many run at once.
        enough = max(FEWEST_COMPLETE, COMPLETE_SHARE * len(self))
        return trial.should_prune() and self._complete >= enough

    def settle(self, trial: Trial) -> None:
        """Give a replayed trial its result."""
        replayed, attempt = self._replayed[trial.number], trial.attempt
        reported = self._study.get_trials(deepcopy=False)[replayed.number].intermediate_values
        for step, value in attempt.intermediate_values.items():
            if step not in reported:
                replayed.report(value, step)
                if self._hyperband:
                    replayed.should_prune()  # notes the rung that the trial reached
        if trial.is_finished and attempt.state == TrialState.COMPLETE:
            self._study.tell(replayed, attempt.values)
        else:
            state = TrialState.PRUNED if trial.is_finished else TrialState.FAIL
            self._study.tell(replayed, state=state)
        self._complete += trial.is_evidence


class Replay:
    """A search in memory; each process that trains trials has one.

    Args:
        plan: the search's plan.
        name: the search's name, by which Hyperband assigns its brackets.
    """

    def __init__(self, plan: Plan, name: str) -> None:
        self._plan = plan
        self._name = name
        self._identities: list[str] = []  # of the runs that the trials describe, in order
        self._restart()

    def _restart(self) -> None:
        self._points: list[Chosen] = []  # in order
        self._settled = 0  # this many of the first trials have their results
        self._groups: dict[tuple[tuple[str, Value], ...], _Group] = {}

    def propose(self, number: int, trials: Sequence[Trial]) -> Chosen:
        """Choose what a new trial tries; the same each time it is asked.

        Args:
            number: the trial's number, one more than that of the last.
            trials: all trials before it.
        """
        if number == len(self._points) - 1 and self._knows(number, trials):
            return self._points[number]
        self._advance(number, trials)
        if number < len(self._plan.first):
            self._add(self._plan.first[number])
            return self._points[number]
        given = self._plan.next_choices(self._points)
        group = self._sampled(given)
        point = self._plan.point(number - len(self._plan.first), given, len(group))
        if point is None:
            point = group.ask(number, self._plan.sampler(number), given)
        self._add(point)
        return point

    def retry(self, number: int, trials: Sequence[Trial]) -> Chosen:
        """Return what an earlier trial tried, for another attempt at it."""
        self._advance(number, trials)
        self._add(trials[number].params)
        return self._points[number]

    def should_prune(self, value: float, step: int) -> bool:
        """Whether the trial that was added last does worse than those that it may know."""
        point = self._points[-1]
        return self._pruned(point).should_prune(len(self._points) - 1, value, step)

    def twin(self, number: int, trials: Sequence[Trial]) -> Trial | None:
        """Return the first trial before the last added one that trains the same model, if any.

        A trial that failed is no twin: its model has no value.
        """
        self._identities += [
            identity_of(to_run(point, self._plan.base, 0, self._plan.search.epochs))
            for point in self._points[len(self._identities) :]
        ]
        for trial in trials[:number]:
            if self._identities[trial.number] == self._identities[number] and not trial.has_failed:
                return trial
        return None

    def _knows(self, number: int, trials: Sequence[Trial]) -> bool:
        """Whether nothing has changed since a trial was proposed."""
        settled = len(known(trials, number, self._plan.search.ahead))
        return settled == self._settled and self._plan.search.pruner != "hyperband"

    def _advance(self, number: int, trials: Sequence[Trial]) -> None:
        """Bring the replay to the state in which trial ``number`` is decided."""
        # Hyperband also compares with reports of running trials, which other processes cannot know.
        if number < len(self._points) or self._plan.search.pruner == "hyperband":
            self._restart()
            del self._identities[number:]
        for trial in trials[len(self._points) : number]:
            self._add(trial.params)
        settled = known(trials, number, self._plan.search.ahead)
        for trial in settled[self._settled :]:
            point = self._points[trial.number]
            for group in {self._sampled(point), self._pruned(point)}:
                group.settle(trial)
        self._settled = len(settled)

    def _add(self, point: Chosen) -> None:
        number = len(self._points)
        self._points.append(point)
        given: Chosen = {name: point[name] for name in self._plan.search.balance if name in point}
        for group in {self._sampled(point), self._pruned(point)}:
            if number not in group:
                group.add(number, point, given)

    def _sampled(self, point: Mapping[str, Value]) -> _Group:
        """The trials from which a sampler learns for the point's choices."""
        return self._group(self._plan.search.balance, point)

    def _pruned(self, point: Mapping[str, Value]) -> _Group:
        """The trials with which the point is compared before it ends."""
        return self._group(self._plan.search.prune_within, point)

    def _group(self, names: Iterable[str], point: Mapping[str, Value]) -> _Group:
        key = tuple((name, point.get(name)) for name in sorted(names))
        if key not in self._groups:
            shared = (f"{name}={value}" for name, value in key)
            self._groups[key] = _Group(self._plan, "/".join([self._name, *shared]))
        return self._groups[key]

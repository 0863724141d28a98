"""What a trial tries, and whether it is pruned, depends on the search's order, not on timing."""

import math
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from pipeline.settings import parse_settings
from study.search.plan import Plan
from study.search.replay import Replay
from study.search.schedule import TRIAL, Trial, trials_of
from study.search.space import Chosen, distributions
from tests.study.conftest import SPACE

TRIALS = 26


@pytest.fixture
def make_plan(tiny_params: dict[str, Any]) -> Any:
    def make(**search: Any) -> Plan:
        tiny_params["search"] |= {"space": SPACE, "epochs": 8, "ahead": 4} | search
        return Plan.of(parse_settings(tiny_params), "0" * 64)

    return make


def worth(chosen: Chosen) -> float:
    """A made-up objective with its best at large codes and beta 1."""
    return float(chosen["latent_dim"]) - math.log(float(chosen["beta"])) ** 2


def ended(number: int, chosen: Chosen, plan: Plan) -> optuna.trial.FrozenTrial:
    """Every third trial was pruned, one failed, the others are complete."""
    value = worth(chosen)
    state = TrialState.PRUNED if number % 3 == 2 else TrialState.COMPLETE
    attributes: dict[str, Any] = {TRIAL: number}
    if number == 5:
        state, attributes["fault"] = TrialState.FAIL, "it diverged"
    return optuna.create_trial(
        state=state,
        value=None if state == TrialState.FAIL else value,
        params=chosen,
        distributions=distributions(chosen, plan.search.space),
        intermediate_values={2: value - 1, 3: value},
        user_attrs=attributes,
    )


def running(number: int, chosen: Chosen, plan: Plan) -> optuna.trial.FrozenTrial:
    return optuna.create_trial(
        state=TrialState.RUNNING,
        params=chosen,
        distributions=distributions(chosen, plan.search.space),
        user_attrs={TRIAL: number},
    )


def search_alone(plan: Plan) -> tuple[list[Chosen], list[bool]]:
    """One process trains all trials, one after another."""
    replay, attempts = Replay(plan, "alone"), list[optuna.trial.FrozenTrial]()
    chosen, pruned = [], []
    for number in range(TRIALS):
        point = replay.propose(number, trials_of(attempts, {}))
        chosen.append(point)
        pruned.append(replay.should_prune(worth(point), 3))
        attempts.append(ended(number, point, plan))
    return chosen, pruned


def search_in_a_crowd(plan: Plan) -> tuple[list[Chosen], list[bool]]:
    """Three processes alternate, one starts late, and results arrive as late as allowed."""
    team = [Replay(plan, "alone"), Replay(plan, "alone")]
    points: list[Chosen] = []
    pruned = []
    for number in range(TRIALS):
        if number == 9:
            team.append(Replay(plan, "alone"))
        if number == 15:
            team[0] = Replay(plan, "alone")  # was killed and starts again
        replay = team[number % len(team)]
        settled = max(0, number - plan.search.ahead + 1)
        attempts = [
            (ended if earlier < settled else running)(earlier, point, plan)
            for earlier, point in enumerate(points)
        ]
        points.append(replay.propose(number, trials_of(attempts, {})))
        pruned.append(replay.should_prune(worth(points[-1]), 3))
    return points, pruned


@pytest.mark.parametrize(
    ("sampler", "pruner"),
    [
        ("tpe", "median"),
        ("tpe", "percentile"),
        ("tpe", "hyperband"),
        ("random", "median"),
        ("qmc", "hyperband"),
        ("gp", "percentile"),
    ],
)
def test_neither_timing_nor_workers_change_what_is_tried(
    make_plan: Any, sampler: str, pruner: str
) -> None:
    plan = make_plan(sampler=sampler, pruner=pruner)
    points, pruned = search_alone(plan)
    assert search_in_a_crowd(plan) == (points, pruned)
    assert len({tuple(sorted(point.items())) for point in points}) == TRIALS
    assert any(pruned)
    assert not all(pruned)


def test_a_retried_trial_knows_what_it_knew_before(make_plan: Any) -> None:
    plan = make_plan()
    points, pruned = search_alone(plan)
    attempts = [ended(number, point, plan) for number, point in enumerate(points)]
    replay = Replay(plan, "alone")
    replay.retry(20, trials_of(attempts[:21], {}))
    for number in (12, 24):
        again = trials_of([*attempts[:number], running(number, points[number], plan)], {})
        assert replay.retry(number, again) == points[number]
        assert replay.should_prune(worth(points[number]), 3) == pruned[number]


def test_results_that_a_trial_may_not_know_change_nothing(make_plan: Any) -> None:
    plan = make_plan()
    points, _ = search_alone(plan)
    number = 16
    attempts = [ended(earlier, point, plan) for earlier, point in enumerate(points[:number])]
    other = [
        running(earlier, point, plan) if earlier > number - plan.search.ahead else attempts[earlier]
        for earlier, point in enumerate(points[:number])
    ]
    proposals = [
        Replay(plan, "alone").propose(number, trials_of(past, {})) for past in (attempts, other)
    ]
    assert proposals[0] == proposals[1] == points[number]


def test_the_sampler_learns(make_plan: Any) -> None:
    plan = make_plan(sampler="tpe")
    points, _ = search_alone(plan)
    values = [worth(point) for point in points]
    assert sum(values[-8:]) / 8 > sum(values[:8]) / 8


def test_trials_keep_their_parameters(make_plan: Any) -> None:
    plan = make_plan()
    point = Replay(plan, "alone").propose(0, [])
    (trial,) = trials_of([running(0, point, plan)], {})
    assert isinstance(trial, Trial)
    assert trial.params == point

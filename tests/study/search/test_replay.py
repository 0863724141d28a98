"""What a turn tries and whether it is pruned follow from the search's order, not from its times."""

import math
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from pipeline.settings import parse_settings
from study.search.plan import Plan
from study.search.replay import Replica
from study.search.schedule import TURN, Turn, turns_of
from study.search.space import Chosen, distributions
from tests.study.conftest import SPACE

TURNS = 26


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
    """Every third turn was pruned, one failed, the others are complete."""
    value = worth(chosen)
    state = TrialState.PRUNED if number % 3 == 2 else TrialState.COMPLETE
    attributes: dict[str, Any] = {TURN: number}
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
        user_attrs={TURN: number},
    )


def search_alone(plan: Plan) -> tuple[list[Chosen], list[bool]]:
    """One process does all turns, and each ends before the next begins."""
    replica, trials = Replica(plan, "alone"), list[optuna.trial.FrozenTrial]()
    chosen, pruned = [], []
    for number in range(TURNS):
        point = replica.propose(number, turns_of(trials, {}))
        chosen.append(point)
        pruned.append(replica.should_prune(worth(point), 3))
        trials.append(ended(number, point, plan))
    return chosen, pruned


def search_in_a_crowd(plan: Plan) -> tuple[list[Chosen], list[bool]]:
    """Three processes take turns in turn, one starts late, and results come as late as they may."""
    team = [Replica(plan, "alone"), Replica(plan, "alone")]
    points: list[Chosen] = []
    pruned = []
    for number in range(TURNS):
        if number == 9:
            team.append(Replica(plan, "alone"))
        if number == 15:
            team[0] = Replica(plan, "alone")  # was killed and begins anew
        replica = team[number % len(team)]
        settled = max(0, number - plan.search.ahead + 1)
        trials = [
            (ended if earlier < settled else running)(earlier, point, plan)
            for earlier, point in enumerate(points)
        ]
        points.append(replica.propose(number, turns_of(trials, {})))
        pruned.append(replica.should_prune(worth(points[-1]), 3))
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
def test_neither_times_nor_workers_change_what_is_tried(
    make_plan: Any, sampler: str, pruner: str
) -> None:
    plan = make_plan(sampler=sampler, pruner=pruner)
    points, pruned = search_alone(plan)
    assert search_in_a_crowd(plan) == (points, pruned)
    assert len({tuple(sorted(point.items())) for point in points}) == TURNS
    assert any(pruned)
    assert not all(pruned)


def test_a_turn_that_is_tried_again_knows_what_it_knew(make_plan: Any) -> None:
    plan = make_plan()
    points, pruned = search_alone(plan)
    trials = [ended(number, point, plan) for number, point in enumerate(points)]
    replica = Replica(plan, "alone")
    replica.rejoin(20, turns_of(trials[:21], {}))
    for number in (12, 24):
        again = turns_of([*trials[:number], running(number, points[number], plan)], {})
        assert replica.rejoin(number, again) == points[number]
        assert replica.should_prune(worth(points[number]), 3) == pruned[number]


def test_results_that_a_turn_may_not_know_change_nothing(make_plan: Any) -> None:
    plan = make_plan()
    points, _ = search_alone(plan)
    number = 16
    trials = [ended(earlier, point, plan) for earlier, point in enumerate(points[:number])]
    other = [
        running(earlier, point, plan) if earlier > number - plan.search.ahead else trials[earlier]
        for earlier, point in enumerate(points[:number])
    ]
    proposals = [
        Replica(plan, "alone").propose(number, turns_of(past, {})) for past in (trials, other)
    ]
    assert proposals[0] == proposals[1] == points[number]


def test_the_sampler_learns(make_plan: Any) -> None:
    plan = make_plan(sampler="tpe")
    points, _ = search_alone(plan)
    values = [worth(point) for point in points]
    assert sum(values[-8:]) / 8 > sum(values[:8]) / 8


def test_turns_keep_their_parameters(make_plan: Any) -> None:
    plan = make_plan()
    point = Replica(plan, "alone").propose(0, [])
    (turn,) = turns_of([running(0, point, plan)], {})
    assert isinstance(turn, Turn)
    assert turn.params == point

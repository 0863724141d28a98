"""What a trial tries, and whether it is pruned, depends on the search's order, not on timing."""

import math
from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from pipeline.settings import parse_settings
from pipeline.settings.space import contains
from study.search.plan import Plan
from study.search.replay import Replay
from study.search.schedule import TRIAL, TWIN, Trial, trials_of
from study.search.space import Chosen, distinct, distributions
from tests.study.conftest import SPACE

TRIALS = 26
# Numbers with steps, lists, null, and as few points as let samplers repeat some.
STEPS: list[dict[str, Any]] = [
    {"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"]},
    {"name": "latent_dim", "kind": "int", "low": 2, "high": 20, "step": 6},
    {"name": "beta", "kind": "float", "low": 0.5, "high": 2.0, "step": 0.5},
    {"name": "clip_norm", "kind": "categorical", "choices": [None, 5.0]},
    {
        "name": "hidden",
        "kind": "categorical",
        "choices": [[8], [16, 8]],
        "when": {"architecture": "linear"},
    },
]
TINY: list[dict[str, Any]] = [
    {"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"]},
    {"name": "latent_dim", "kind": "int", "low": 2, "high": 6},
    {"name": "beta", "kind": "categorical", "choices": [0.5, 1.0, 2.0]},
]


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


ALL = {"balance": [], "prune_within": []}  # all trials have one sampler and are compared


@pytest.mark.parametrize(
    ("sampler", "pruner", "changes"),
    [
        ("tpe", "median", {}),
        ("tpe", "percentile", {}),
        ("tpe", "hyperband", {}),
        ("random", "percentile", {}),
        ("qmc", "hyperband", {}),
        ("tpe", "median", ALL),
        ("tpe", "hyperband", {"balance": []}),
        ("random", "median", {"balance": [], "prune_within": ["channels"]}),
        ("qmc", "median", {"balance": []}),
        ("tpe", "median", {"first": ["conv-2", {"latent_dim": 8, "width": 9}, "linear-7"]}),
        ("tpe", "median", {"space": STEPS, "first": [{"hidden": [8], "clip_norm": None}]}),
        ("tpe", "hyperband", {"space": STEPS, "balance": []}),
        ("qmc", "median", {"space": STEPS}),
        ("grid", "median", {"space": STEPS, "first": [{"hidden": [8], "clip_norm": None}]}),
        ("gp", "hyperband", {"space": STEPS}),
        ("random", "median", {"space": TINY, "balance": ["architecture", "beta"]}),
    ],
)
def test_neither_timing_nor_workers_change_what_is_tried(
    make_plan: Any, sampler: str, pruner: str, changes: dict[str, Any]
) -> None:
    plan = make_plan(**{"sampler": sampler, "pruner": pruner} | changes)
    points, pruned = search_alone(plan)
    assert search_in_a_crowd(plan) == (points, pruned)
    assert points[: len(plan.first)] == list(plan.first)
    assert all(
        contains(one, p[one.name]) for p in points for one in plan.search.space if one.name in p
    )
    if plan.most == math.inf and sampler != "gp":
        assert distinct(points) == TRIALS
    assert any(pruned)
    assert not all(pruned)


def test_samplers_may_repeat_points_but_a_grid_does_not(make_plan: Any) -> None:
    points, _ = search_alone(make_plan(space=TINY, first=[], sampler="random"))
    assert distinct(points) < TRIALS < make_plan(space=TINY, first=[]).most == 30
    points, _ = search_alone(make_plan(space=TINY, sampler="grid", first=["linear-2", "conv-5"]))
    assert distinct(points) == TRIALS


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
    plan = make_plan(sampler="tpe", first=[])
    points, _ = search_alone(plan)
    values = [worth(point) for point in points]
    assert sum(values[-8:]) / 8 > sum(values[:8]) / 8


def test_trials_keep_their_parameters(make_plan: Any) -> None:
    plan = make_plan()
    point = Replay(plan, "alone").propose(0, [])
    (trial,) = trials_of([running(0, point, plan)], {})
    assert isinstance(trial, Trial)
    assert trial.params == point


def simulated(plan: Plan, value: Callable[[int, Chosen], float]) -> list[optuna.trial.FrozenTrial]:
    """A search whose trials have the same value after each epoch."""
    replay, attempts = Replay(plan, "simulated"), list[optuna.trial.FrozenTrial]()
    for number in range(50):
        chosen = replay.propose(number, trials_of(attempts, {}))
        reached = value(number, chosen)
        reports = {}
        for epoch in sorted(plan.check_epochs()):
            reports[epoch] = reached
            if replay.should_prune(reached, epoch):
                break
        else:
            epoch = plan.search.epochs
        attempts.append(
            optuna.create_trial(
                state=TrialState.COMPLETE if epoch == plan.search.epochs else TrialState.PRUNED,
                value=reached,
                params=chosen,
                distributions=distributions(chosen, plan.search.space),
                intermediate_values=reports,
                user_attrs={TRIAL: number},
            )
        )
    return attempts


VALUES: dict[str, Callable[[int, Chosen], float]] = {
    "one architecture is much worse": lambda number, chosen: (
        worth(chosen) - (1000 if chosen["architecture"] == "linear" else 0)
    ),
    "each is worse than all before": lambda number, chosen: -float(number),
    "one after another is best": lambda number, chosen: float(number),
}


@pytest.mark.parametrize("pruner", ["median", "percentile", "hyperband"])
@pytest.mark.parametrize("values", VALUES)
def test_pruning_leaves_each_architecture_enough_complete_trials(
    make_plan: Any, pruner: str, values: str
) -> None:
    plan = make_plan(pruner=pruner, epochs=20, first=["linear-2", "linear-3", "conv-2"])
    attempts = simulated(plan, VALUES[values])
    for architecture in ("linear", "conv"):
        own = [one.state for one in attempts if one.params["architecture"] == architecture]
        assert len(own) == 25, "balanced, although first points were not"
        complete = own.count(TrialState.COMPLETE)
        assert complete >= max(5, 0.4 * len(own))
        if values == "each is worse than all before":
            assert complete < 25, "there is pruning"
    pruned = [one for one in attempts if one.state == TrialState.PRUNED]
    assert all(min(one.intermediate_values) >= 20 / 3 for one in pruned)


@pytest.mark.parametrize("epochs", [*range(1, 13), 20, 30, 100])
def test_no_trial_is_compared_before_a_third_of_its_epochs(make_plan: Any, epochs: int) -> None:
    checks = make_plan(epochs=epochs).check_epochs()
    assert all(epochs / 3 <= epoch < epochs for epoch in checks)
    assert len(checks) <= 4
    assert bool(checks) == (epochs > 1)


def test_no_trial_is_compared_when_an_end_would_save_next_to_nothing(make_plan: Any) -> None:
    assert make_plan(epochs=20).check_epochs() == {7, 11, 15}
    assert make_plan(epochs=30).check_epochs() == {10, 15, 20, 25}
    assert make_plan(epochs=3).check_epochs() == {1, 2}


def test_a_search_without_the_dimensions_that_group_it_is_one_group(make_plan: Any) -> None:
    space = [one for one in SPACE if one["name"] in ("latent_dim", "beta")]
    plan = make_plan(space=space, balance=["architecture"], prune_within=["architecture"])
    assert [set(point) for point in plan.first] == [{"latent_dim", "beta"}] * 2
    points, pruned = search_alone(plan)
    assert search_in_a_crowd(plan) == (points, pruned)
    assert any(pruned)


def repeated(plan: Plan, *numbers: int) -> tuple[Replay, list[Trial]]:
    """A replay of trials that all try the same; these numbers are running, 5 has failed."""
    point: Chosen = {"architecture": "linear", "latent_dim": 3, "beta": 1.0}
    attempts = [
        running(number, point, plan) if number in numbers else ended(number, point, plan)
        for number in range(8)
    ]
    trials = trials_of(attempts, {})
    replay = Replay(plan, "repeated")
    replay.retry(7, trials)
    return replay, trials


def test_a_trial_of_known_settings_has_a_twin(make_plan: Any) -> None:
    plan = make_plan(space=TINY, ahead=1)
    replay, trials = repeated(plan)
    found = replay.twin(7, trials)
    assert found is not None
    assert found.number == 0
    assert replay.twin(0, trials) is None
    found = repeated(plan, 0)[0].twin(7, repeated(plan, 0)[1])
    assert found is not None
    assert not found.is_ended, "its result must be waited for"
    replay.retry(6, trials)
    assert replay.twin(6, [trials[5]]) is None, "a trial that failed has no result"


def test_what_the_other_architecture_is_built_from_makes_no_difference(make_plan: Any) -> None:
    space = [*TINY, {"name": "channels", "kind": "categorical", "choices": [[4], [8]]}]
    plan = make_plan(space=space, ahead=1)
    points: list[Chosen] = [
        {"architecture": architecture, "latent_dim": 3, "beta": 1.0, "channels": channels}
        for architecture in ("linear", "conv")
        for channels in ("[4]", "[8]")
    ]
    trials = trials_of([ended(n, point, plan) for n, point in enumerate(points)], {})
    twins = []
    replay = Replay(plan, "irrelevant")
    for number in range(4):
        replay.retry(number, trials)
        twin = replay.twin(number, trials)
        twins.append(None if twin is None else twin.number)
    assert twins == [None, 0, None, None]


def test_repeated_trials_are_no_evidence_for_pruning(make_plan: Any) -> None:
    """Five values of one training say no more than one."""
    plan = make_plan(space=TINY, ahead=1, epochs=8)
    point: Chosen = {"architecture": "linear", "latent_dim": 6, "beta": 1.0}
    for attributes, pruned in (({}, True), ({TWIN: 0}, False)):
        attempts = [
            optuna.create_trial(
                value=6.0,
                params=point,
                distributions=distributions(point, plan.search.space),
                intermediate_values={3: 6.0},
                user_attrs={TRIAL: number} | (attributes if number else {}),
            )
            for number in range(6)
        ]
        attempts.append(running(6, point | {"latent_dim": 2}, plan))
        replay = Replay(plan, "evidence")
        replay.retry(6, trials_of(attempts, {}))
        assert replay.should_prune(2.0, 3) == pruned

"""What the export contains besides the trials: importance, the plan, what failed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState

from pipeline.errors import UserError
from pipeline.settings import parse_settings
from study.outcome.export import best_card, export, first_comparison, trial_rows
from study.outcome.fanova import importance_rows, importances
from study.search.plan import PLAN, Plan
from study.search.schedule import RESULT, TRIAL, Trial
from study.search.space import Chosen, distributions
from tests.study.conftest import SPACE

MakePlan = Callable[..., Plan]


@pytest.fixture
def make_plan(tiny_params: dict[str, Any]) -> MakePlan:
    def make(**search: Any) -> Plan:
        tiny_params["search"] |= {"space": SPACE, "epochs": 8} | search
        return Plan.of(parse_settings(tiny_params), "0" * 64)

    return make


def made_up(number: int, params: dict[str, float], value: float, **more: Any) -> Trial:
    space = {name: FloatDistribution(0.0, 100.0) for name in params}
    trial = optuna.create_trial(value=value, params=params, distributions=dict(space), **more)
    return Trial(number, (trial,))


@pytest.mark.parametrize(
    ("params", "value"),
    [
        (lambda n: {"beta": float(n)}, float),
        (lambda n: {"beta": float(n), "learning_rate": 1.0}, float),
        (lambda n: {"beta": float(n), "learning_rate": float(n % 4)}, lambda n: 1.0),
    ],
    ids=["one-dimension", "one-varies", "equal-values"],
)
def test_importance_that_cannot_be_computed_yields_no_rows(params: Any, value: Any) -> None:
    trials = [made_up(n, params(n), value(n)) for n in range(12)]
    assert importance_rows(trials) == []
    with pytest.raises(UserError, match="two hyperparameters that vary"):
        importances(trials)


def test_importance_of_few_complete_trials_uses_the_first_comparison() -> None:
    trials = [
        made_up(
            n,
            {"beta": float(n), "learning_rate": float(n % 4)},
            float(n),
            state=TrialState.COMPLETE if n < 3 else TrialState.PRUNED,
            intermediate_values={4: float(n), 7: 0.0},
        )
        for n in range(20)
    ]
    rows = importance_rows(trials)
    assert [row["parameter"] for row in rows] == ["beta", "learning_rate"]
    for row in rows:
        assert (row["values"], row["epoch"], row["trials"]) == ("first comparison", 4, 20)


def finished(number: int, plan: Plan) -> Trial:
    chosen: Chosen = {"architecture": "linear", "latent_dim": 2, "beta": 1.0, "width": 8}
    terms = {"elbo": -100.0 - number, "reconstruction": 80.0, "kl": 20.0 + number}
    trial = optuna.create_trial(
        values=[terms["elbo"]] if len(plan.directions) == 1 else [80.0, terms["kl"]],
        params=chosen,
        distributions=distributions(chosen, plan.search.space),
        user_attrs={TRIAL: number, RESULT: terms},
        intermediate_values={1: -150.0 - number, 2: -120.0} if plan.prunes else {},
    )
    return Trial(number, (trial,))


def test_the_card_shows_how_it_was_searched_and_what_failed(make_plan: MakePlan) -> None:
    plan = make_plan(sampler="random", trials=2)
    lost = optuna.create_trial(state=TrialState.FAIL, user_attrs={"fault": "it diverged"})
    trials = [finished(0, plan), finished(2, plan)]
    card = best_card("s", plan, trials, [Trial(1, (lost,))])
    assert [(one.number, one.reason) for one in card.failed] == [(1, "it diverged")]
    assert card.first_comparison == first_comparison(plan) == 1
    assert card.plan.sampler == "random"
    assert [one.name for one in card.plan.space] == [one["name"] for one in SPACE]
    assert not hasattr(card.plan, "trials"), "a search that goes on is the same search"
    assert card.protocol.likelihood == "bernoulli"
    assert card.protocol.nll_samples is None
    assert [row["first_value"] for row in trial_rows(trials, plan)] == [-150.0, -152.0]
    assert best_card("s", make_plan(objective="nll"), trials).protocol.nll_samples == 64


def test_two_objectives_are_never_compared_before_the_end(make_plan: MakePlan) -> None:
    plan = make_plan(objective="rate-distortion")
    trials = [finished(0, plan), finished(1, plan)]
    card = best_card("s", plan, trials)
    assert card.first_comparison is None
    assert card.best is None
    assert [entry.number for entry in card.front] == [0]
    assert [row["first_value"] for row in trial_rows(trials, plan)] == [None, None]


def test_failed_trials_are_those_among_the_exported(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan()
    search = optuna.create_study(direction="maximize")
    search.set_user_attr(PLAN, plan.model_dump_json())
    for number in range(6):
        if number in (1, 4):
            attributes = {TRIAL: number, "fault": f"diverged in epoch {number}"}
            search.add_trial(optuna.create_trial(state=TrialState.FAIL, user_attrs=attributes))
        else:
            search.add_trial(finished(number, plan).attempt)
    paths = export(search, tmp_path, 3)
    assert [path.name for path in paths] == ["trials.csv", "best.json", "importance.csv"]
    card = json.loads((tmp_path / "best.json").read_text())
    assert card["failed"] == [{"number": 1, "reason": "diverged in epoch 1"}]
    export(search, tmp_path)
    card = json.loads((tmp_path / "best.json").read_text())
    assert [one["number"] for one in card["failed"]] == [1, 4]
    assert card["finished_trials"] == 4

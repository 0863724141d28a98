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
from pipeline.schemas.best_card import ConfirmedRun
from pipeline.settings import parse_settings
from study.outcome import fanova
from study.outcome.confirmed import Confirmation
from study.outcome.export import best_card, export, first_comparison, trial_rows
from study.outcome.fanova import importance_rows, importances
from study.outcome.ranking import ranked
from study.search.plan import PLAN, Plan
from study.search.schedule import TRIAL, TWIN, Trial
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


def two_dimensions(number: int) -> dict[str, float]:
    return {"beta": float(number), "learning_rate": float(number * 7 % 10)}


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


def test_importance_rests_on_ten_complete_trials_and_counts_none_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fanova, "RESAMPLES", 5)
    nine = [made_up(n, two_dimensions(n), float(n)) for n in range(9)]
    pruned = made_up(9, two_dimensions(9), 9.0, state=TrialState.PRUNED)
    repeated = made_up(10, two_dimensions(8), 8.0, user_attrs={TWIN: 8})
    with pytest.raises(UserError, match="needs 10 complete trials, but there are 9; run more"):
        importances([*nine, pruned, repeated])
    assert importance_rows([*nine, pruned, repeated]) == []
    rows = importance_rows([*nine, pruned, repeated, made_up(11, two_dimensions(9), 9.0)])
    assert [row["trials"] for row in rows] == [10, 10]


def finished(number: int, plan: Plan, **attributes: Any) -> Trial:
    chosen: Chosen = {"architecture": "linear", "latent_dim": 2, "beta": 1.0, "width": 8}
    terms = {"elbo": -100.0 - number, "reconstruction": 80.0, "kl": 20.0 + number}
    trial = optuna.create_trial(
        values=[terms["elbo"]] if len(plan.directions) == 1 else [80.0, terms["kl"]],
        params=chosen,
        distributions=distributions(chosen, plan.search.space),
        user_attrs={TRIAL: number} | terms | attributes,
        intermediate_values={3: -150.0 - number, 5: -120.0} if plan.prunes else {},
    )
    return Trial(number, (trial,))


def test_the_card_shows_how_it_was_searched_and_what_failed(make_plan: MakePlan) -> None:
    plan = make_plan(sampler="random", trials=2)
    lost = optuna.create_trial(state=TrialState.FAIL, user_attrs={"fault": "it diverged"})
    trials = [finished(0, plan), finished(2, plan)]
    card = best_card("s", plan, trials, [Trial(1, (lost,))])
    assert [(one.number, one.reason) for one in card.failed] == [(1, "it diverged")]
    assert card.first_comparison == first_comparison(plan) == 3
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


def test_an_export_is_of_one_moment(
    make_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other processes may go on with the search; here, a trial fails after each reading."""
    plan = make_plan()
    search = stored(plan, 1)
    get_trials = search.get_trials

    def changing(**details: Any) -> list[optuna.trial.FrozenTrial]:
        found = get_trials(**details)
        for number in (len(found), len(found) + 1):
            attributes = {TRIAL: number, "fault": "diverged"}
            search.add_trial(
                optuna.create_trial(state=TrialState.FAIL, user_attrs=attributes)
                if number % 2
                else finished(number, plan, **{TRIAL: number}).attempt
            )
        return found

    monkeypatch.setattr(search, "get_trials", changing)
    export(search, tmp_path)
    export(search, tmp_path)
    card = json.loads((tmp_path / "best.json").read_text())
    assert (card["finished_trials"], len(card["failed"])) == (2, 1)
    assert len(get_trials()) == 5, "each export has read the store once"


def stored(plan: Plan, trials: int) -> optuna.Study:
    search = optuna.create_study(directions=plan.directions)
    search.set_user_attr(PLAN, plan.model_dump_json())
    search.add_trials(
        [finished(number, plan, **{TRIAL: number}).attempt for number in range(trials)]
    )
    return search


@pytest.mark.parametrize("name", ["trials.csv", "importance.csv", "best.json"])
def test_a_file_that_is_no_export_is_not_replaced(
    make_plan: MakePlan, tmp_path: Path, name: str
) -> None:
    search = stored(make_plan(), 3)
    export(search, tmp_path)
    export(search, tmp_path)  # its own files are replaced
    (tmp_path / name).write_text("patient,dose\n1,2\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match=rf"{name}: already exists and is not an export"):
        export(search, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_repeated_trial_is_a_row_but_no_evidence(make_plan: MakePlan) -> None:
    plan = make_plan()
    trials = [finished(0, plan), finished(1, plan), finished(2, plan, same_as=0)]
    assert [row["same_as"] for row in trial_rows(trials, plan)] == [None, None, 0]
    card = best_card("s", plan, trials)
    assert (card.finished_trials, card.complete_trials) == (3, 2)
    linear = card.architectures["linear"]
    assert (linear.number, linear.finished_trials, linear.complete_trials) == (0, 3, 2)
    assert linear.confirmed == ()
    assert [one.number for one in ranked(trials, plan)] == [0, 1]


def test_the_card_carries_what_new_seeds_reached(make_plan: MakePlan) -> None:
    plan = make_plan()
    runs = tuple(ConfirmedRun(seed=n, elbo=-101.0, reconstruction=81.0, kl=20.0) for n in (3, 4))
    found = Confirmation("s", 0, runs, 20, -100.0, Path("models"))
    linear = best_card("s", plan, [finished(0, plan)], (), {0: found}).architectures["linear"]
    assert (linear.confirmed, linear.confirmed_epochs) == (runs, 20)


def test_a_searched_checkpoint_is_not_part_of_the_protocol(make_plan: MakePlan) -> None:
    checkpoint = {"name": "checkpoint", "kind": "categorical", "choices": ["last", "best"]}
    plan = make_plan(space=[*SPACE, checkpoint])
    assert best_card("s", plan, [finished(0, plan)]).protocol.checkpoint is None
    assert best_card("s", make_plan(), [finished(0, plan)]).protocol.checkpoint == "last"

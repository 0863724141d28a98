"""A search that first tries the best trials of an earlier one."""

import json
from pathlib import Path
from typing import Any

import optuna
import pytest

from pipeline.errors import UserError
from pipeline.schemas.tables import TRIALS
from pipeline.settings import Settings, load_settings, parse_settings
from study.outcome.earlier import best_runs
from study.outcome.export import trial_rows
from study.outcome.ranking import ranked
from study.search.first import first_points
from study.search.plan import Plan, plan_of
from study.search.schedule import Trial
from study.search.space import Chosen, distributions, identity_of, to_run
from study.store.searches import all_trials
from tests.study.conftest import (
    URL,
    change_search,
    searches,
    study,
    the_search,
    trials,
)

SPACE: list[dict[str, Any]] = [
    {"name": "latent_dim", "kind": "int", "low": 2, "high": 8},
    {"name": "hidden", "kind": "categorical", "choices": [[8], [16, 8], []]},
    {"name": "clip_norm", "kind": "categorical", "choices": [None, 5.0]},
    {"name": "activation", "kind": "categorical", "choices": ["silu", "tanh"]},
    {"name": "scale", "kind": "categorical", "choices": ["learned", 0.5]},
]
POINTS: list[Chosen] = [
    {"latent_dim": 4, "hidden": "[16, 8]", "clip_norm": None, "activation": "tanh", "scale": 0.5},
    {"latent_dim": 8, "hidden": "[]", "clip_norm": 5.0, "activation": "silu", "scale": "learned"},
    {"latent_dim": 2, "hidden": "[8]", "clip_norm": None, "activation": "silu", "scale": 0.5},
]


@pytest.fixture
def settings(tiny_params: dict[str, Any]) -> Settings:
    tiny_params["search"] |= {"space": SPACE, "first": []}
    return parse_settings(tiny_params)


@pytest.fixture
def table(settings: Settings, tmp_path: Path) -> Path:
    """The export of three trials, of which the second is best."""
    plan = Plan.of(settings, "0" * 64)
    found = []
    for number, (point, elbo) in enumerate(zip(POINTS, (-9.0, -8.0, -10.0), strict=True)):
        attempt = optuna.create_trial(
            value=elbo,
            params=point,
            distributions=distributions(point, plan.search.space),
            user_attrs={"elbo": elbo, "reconstruction": 1.0, "kl": 1.0, "trial": number},
        )
        found.append(Trial(number, (attempt,)))
    path = tmp_path / "trials.csv"
    path.write_text(TRIALS.to_csv(trial_rows(found, plan)))
    return path


def test_settings_survive_a_table(table: Path, settings: Settings) -> None:
    found = best_runs(str(table), 2, URL, settings)
    assert list(found) == [f"trial 1 of {table}", f"trial 0 of {table}"]
    base = next(iter(settings.runs.values()))
    for run, point in zip(found.values(), (POINTS[1], POINTS[0]), strict=True):
        assert run == to_run(point, base, base.seed, settings.search.epochs)
    assert len(best_runs(str(table), 9, URL, settings)) == 3


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("complete", "pruned", "--from {path}: it has no complete trial"),
        ("-8.0", "", "trial 1 is not valid: elbo = '' must be a number; write it again with"),
        ("-8.0", "nan", "trial 1 is not valid: elbo = 'nan' must be finite"),
        ("[16, 8]", "[16, x]", "trial 0 is not valid: hidden"),
        ("[16, 8]", "16", "trial 0 is not valid: hidden"),
        ("[16, 8]", "[-1]", "trial 0 is not valid: hidden = [-1] must be greater than 0"),
        ("tanh", "tan", "trial 0 is not valid: activation"),
        (",8,[]", f",{'9' * 5000},[]", "trial 1 is not valid: latent_dim = 99999"),
        ("tanh", '"{""a"": null}"', "activation = {{a: null}} must be silu, relu or tanh"),
        ("tanh", "[" * 5000, "activation = [[[["),
        ("learned", "NaN", "scale = nan must be"),
        ("1,complete", "x,complete", "trial x is not valid: number = 'x' must be a number"),
        (",learned", "", "must have"),
        ("latent_dim", "depth", "trial 1 is not valid"),
        ("latent_dim", "blocks", "trial 1 is not valid"),
        ("elbo", "bound", "must have rows with elbo"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(
    table: Path, settings: Settings, old: str, new: str, message: str
) -> None:
    text = table.read_text()
    assert old in text
    if new in ("depth", "blocks"):
        text = text.replace(",8,[]", ",8.5,[]")
    table.write_text(text.replace(old, new))
    with pytest.raises(UserError) as caught:
        best_runs(str(table), 3, URL, settings)
    assert message.format(path=table) in caught.value.message
    assert str(table) in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("source", ["nothing.csv", "mnist-5k-elbo-00000000"])
def test_an_unknown_source_is_refused_before_anything_starts(searched: Path, source: str) -> None:
    (present,) = searches()
    result = study("run", "--trials", "3", "--from", source)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert source in result.stderr
    assert result.stderr.count("\n") == 1
    if not source.endswith(".csv"):
        assert f"it has {present}" in result.stderr
    assert searches() == [present]


@pytest.mark.usefixtures("one_process")
def test_the_best_of_an_earlier_search_come_first(searched: Path) -> None:
    (name,) = searches()
    plan = plan_of(the_search())
    best = ranked(trials(), plan)[:2]
    expected = [identity_of(to_run(one.params, plan.base, 0, 1)) for one in best]
    study("export", "--out", "out")

    words = ["--trials", "2", "--epochs", "1", "--workers", "1", "--from-best", "2"]
    result = study("run", *words, "--from", name)
    assert result.exit_code == 0, result.output
    (new,) = set(searches()) - {name}
    found = all_trials(optuna.load_study(study_name=new, storage=URL))
    assert [identity_of(to_run(one.params, plan.base, 0, 1)) for one in found] == expected
    same = study("run", *words, "--from", "out/trials.csv")
    assert f"{new}: resuming an existing search" in same.output
    assert "nothing to do" in same.output


@pytest.mark.usefixtures("one_process")
def test_trials_of_another_likelihood_are_skipped_and_named(searched: Path) -> None:
    (name,) = searches()
    change_search(searched, first=[])
    settings = load_settings()
    content = json.loads(settings.model_dump_json())
    content["train"]["model"]["likelihood"] = "gaussian"
    other = parse_settings(content)
    found = first_points(other, best_runs(name, 2, URL, settings))
    assert found.points == ()
    assert len(found.skipped) == 2
    assert "likelihood = bernoulli, but the trials of this search have gaussian" in found.skipped[0]
    assert f"of {name} does not fit the space" in found.skipped[0]

"""Importances are those of Optuna's evaluator, and a store remembers them."""

from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial

from study.outcome import fanova
from study.outcome.importance import importance_of, remember_importance, remembered_importance
from study.search.schedule import Trial
from study.store.joining import load_search
from study.store.searches import all_trials, find_search
from tests.study.conftest import URL, study
from tests.study.store.conftest import NAME, make_search

RANGES = {
    "latent_dim": optuna.distributions.IntDistribution(2, 40),
    "learning_rate": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True),
    "channels": optuna.distributions.CategoricalDistribution(["32", "64", "32-64"]),
    "binarisation": optuna.distributions.CategoricalDistribution([None, "static"]),
}


def rated(trials: int) -> list[tuple[FrozenTrial, float]]:
    random = np.random.default_rng(3)
    found = []
    for _ in range(trials):
        params = {
            "latent_dim": int(random.integers(2, 41)),
            "learning_rate": float(10 ** random.uniform(-4, -1)),
            "channels": str(random.choice(["32", "64", "32-64"])),
            "binarisation": [None, "static"][int(random.integers(2))],
        }
        bonus = {"32": 0.0, "64": 5.0, "32-64": -4.0}[params["channels"]]
        value = params["latent_dim"] / 4 + bonus + random.normal()
        attempt = optuna.create_trial(value=value, params=params, distributions=RANGES)
        found.append((attempt, float(value)))
    return found


def test_the_shares_are_those_of_optuna() -> None:
    trials = rated(25)
    reference = optuna.create_study()
    reference.add_trials([attempt for attempt, _ in trials])
    evaluator = FanovaImportanceEvaluator(seed=fanova.SEED, n_trees=8)
    expected = get_param_importances(reference, evaluator=evaluator)
    points = fanova.Points.of(trials, sorted(RANGES))
    found = fanova.fitted_shares(points, np.array([value for _, value in trials]), 8)
    assert found == pytest.approx({name: float(share) for name, share in expected.items()})


def test_values_that_do_not_differ_have_no_shares() -> None:
    trials = rated(12)
    points = fanova.Points.of(trials, sorted(RANGES))
    assert set(fanova.fitted_shares(points, np.zeros(12), 4).values()) == {0.0}


def test_a_store_remembers_the_importances_of_these_trials_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_search(trials=12)
    monkeypatch.setattr(fanova, "RESAMPLES", 2)
    written = load_search(URL, NAME)
    trials = all_trials(written)
    assert remembered_importance(written, trials) is None
    rows = remember_importance(written, trials)
    assert rows
    before = study("importance", "--json").output

    def refuse(trials: list[Trial]) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(fanova, "importances", refuse)
    found = find_search(URL, NAME)
    assert importance_of(found, trials) == rows
    assert study("importance", "--json").output == before
    assert remembered_importance(found, trials[1:]) is None
    assert remembered_importance(found, trials[3:]) == []  # too few

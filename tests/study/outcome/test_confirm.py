"""A trial is confirmed with new seeds."""

from pathlib import Path

import pandas as pd

from analysis.words import format_number
from pipeline.models import load_model
from study.outcome.confirm import new_seeds
from study.search.plan import plan_of
from tests.study.conftest import TRIALS, attempts, searches, study, the_search


def test_a_trial_is_confirmed_with_new_seeds(searched: Path) -> None:
    trial = attempts()[1]
    result = study("rerun", "1", "--seeds", "2", "--workers", "1")
    assert result.exit_code == 0, result.output
    runs = pd.read_csv("results/confirmed.csv")
    assert runs["seed"].tolist() == new_seeds(plan_of(the_search()), 2) == [1, 2]
    assert (runs["searched_elbo"] == trial.value).all()
    found, mean = trial.value, runs["elbo"].mean()
    assert found is not None
    direction = "better" if found >= mean else "worse"
    gap = format_number(abs(found - mean))
    assert f"the search found {format_number(found)}, {direction} by {gap}" in result.output
    folder = Path("results/confirmed") / searches()[0] / "trial-1" / "seed-1"
    assert load_model(folder).latent_dim == trial.params["latent_dim"]

    again = study("rerun", "1", "--seeds", "3", "--workers", "1")
    assert "trained 1 runs" in again.output  # the third; two are there
    study("rerun", "0", "--seeds", "1", "--workers", "1")
    assert len(pd.read_csv("results/confirmed.csv")) == 4
    refused = study("rerun", "99")
    assert refused.exit_code == 2
    assert f"has no trial 99; it has 0 to {TRIALS - 1}" in refused.stderr

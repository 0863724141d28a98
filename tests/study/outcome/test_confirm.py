"""A trial is confirmed with new seeds."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from analysis.words import format_number
from pipeline.models import load_model
from pipeline.schemas.best_card import ConfirmedRun
from pipeline.settings import load_settings
from study.outcome.confirm import new_seeds
from study.outcome.confirmed import Confirmation, record_confirmations
from study.outcome.ranking import ranked
from study.search.plan import plan_of
from tests.study.conftest import TRIALS, attempts, searches, study, the_search, trials


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


def test_the_best_trials_are_confirmed_after_a_search(searched: Path) -> None:
    best = [trial.number for trial in ranked(trials(), plan_of(the_search()))[:2]]
    words = ["run", "--trials", str(TRIALS), "--confirm", "2", "--workers", "1"]
    result = study(*words)
    assert result.exit_code == 0, result.output
    assert "confirming the best 2 trials with 5 new seeds" in result.output
    assert "mean elbo" in result.output
    runs = pd.read_csv("results/confirmed.csv")
    assert sorted(set(runs["number"])) == sorted(best)
    used = {0, *load_settings().train.grid.seeds}
    for _, own in runs.groupby("number"):
        assert len(set(own["seed"]) - used) == len(own) == 5
    assert (runs["epochs"] == 3).all(), "those of the search"
    study(*words)
    assert pd.read_csv("results/confirmed.csv").equals(runs)


def test_new_seeds_are_used_neither_by_the_search_nor_by_the_grid(searched: Path) -> None:
    plan = plan_of(the_search())
    assert new_seeds(plan, 3, (0, 2, 3)) == [1, 4, 5]
    last = plan.search.model_copy(update={"seed": 2**32 - 1, "replicates": 2})
    assert new_seeds(plan.model_copy(update={"search": last}), 2, (1,)) == [2, 3]


def test_no_row_is_lost_if_several_record_at_once(tmp_path: Path) -> None:
    path = tmp_path / "results" / "confirmed.csv"
    run = ConfirmedRun(seed=1, elbo=-90.0, reconstruction=70.0, kl=20.0)

    def record(search: str) -> None:
        for number in range(20):
            found = Confirmation(search, number, (run,), 3, -89.0, tmp_path)
            record_confirmations(path, [found])

    with ThreadPoolExecutor() as pool:
        list(pool.map(record, ("a", "b")))
    rows = pd.read_csv(path)
    assert rows.groupby("search")["number"].apply(set).tolist() == [set(range(20))] * 2
    left = {one.name for one in path.parent.iterdir()}
    assert left == {"confirmed.csv", "confirmed.csv.lock"}

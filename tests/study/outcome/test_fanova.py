"""Importance of the hyperparameters of a search."""

import re
from datetime import datetime
from pathlib import Path

import optuna
import pandas as pd
import pytest

from study.outcome import fanova
from study.search.schedule import TRIAL, Trial
from tests.study.conftest import attempts, study, the_search


def add_made_up_trials(number: int) -> None:
    """Replace the search's trials by made-up ones in which the latent size decides everything."""
    first = attempts()[0]
    search = the_search()
    storage, name, attributes = search._storage, search.study_name, search.user_attrs
    optuna.delete_study(study_name=name, storage=storage)
    search = optuna.create_study(study_name=name, storage=storage, direction="maximize")
    for key, value in attributes.items():
        search.set_user_attr(key, value)
    for place in range(number):
        params = first.params | {"latent_dim": 2 + place % 7, "beta": 0.5 + (place * 7 % 10) / 10}
        elbo = 10.0 * params["latent_dim"]
        result = {"elbo": elbo, "reconstruction": 0.0, "kl": 0.0, "epochs": 3, "seconds": 1.0}
        now = datetime.now()
        search.add_trial(
            optuna.trial.FrozenTrial(
                number=place,
                trial_id=place,
                state=optuna.trial.TrialState.COMPLETE,
                value=elbo,
                datetime_start=now,
                datetime_complete=now,
                params=params,
                distributions=first.distributions,
                user_attrs={TRIAL: place} | result,
                system_attrs={},
                intermediate_values={},
            )
        )


def test_importance_finds_what_matters_and_shows_on_how_many_trials(
    searched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanova, "RESAMPLES", 20)  # a hundred take seconds
    add_made_up_trials(5)
    few = study("importance")
    assert few.exit_code == 2
    assert "needs 10 complete trials, but there are 5" in few.stderr
    add_made_up_trials(40)
    output = study("importance").output
    lines = {line.split()[0]: line for line in output.splitlines() if line.split()}
    assert "40 complete trials" in output
    percent = {name: [int(n) for n in re.findall(r"(\d+)%", line)] for name, line in lines.items()}
    share, low, high = percent["latent_dim"][:3]
    assert 80 < low <= share <= high <= 100
    share, low, high = percent["beta"][:3]
    assert 0 <= low <= share <= high < 20

    study("export", "--out", "once")
    study("export", "--out", "twice")
    assert Path("once/importance.csv").read_bytes() == Path("twice/importance.csv").read_bytes()
    frame = pd.read_csv("once/importance.csv")
    assert frame["parameter"][0] == "latent_dim"
    assert (frame["trials"] == 40).all()
    assert (frame["low"] <= frame["importance"]).all()
    assert (frame["importance"] <= frame["high"]).all()
    sums = frame.groupby("group")["importance"].sum()
    assert sums.tolist() == pytest.approx([1.0] * len(sums))
    alone = frame[frame["group"] != "all"]
    assert len(alone)
    assert "architecture" not in set(alone["parameter"]), "it does not vary within itself"


def test_a_sample_in_which_nothing_varies_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight of ten trials share these values; what differs among them applies to some only."""
    monkeypatch.setattr(fanova, "RESAMPLES", 20)
    choices = optuna.distributions.CategoricalDistribution([64, 128])
    sizes = optuna.distributions.IntDistribution(2, 20)
    trials = []
    for number in range(10):
        params = {"latent_dim": 2 if number < 8 else 10 + number, "batch_size": 64}
        params |= {"batch_size": 128} if number == 9 else {}
        attempt = optuna.create_trial(
            value=float(-number),
            params=params,
            distributions={"latent_dim": sizes, "batch_size": choices},
        )
        trials.append(Trial(number, (attempt,)))
    (group,) = fanova.importances(trials)
    assert all(share.low <= share.mean <= share.high for share in group.shares.values())

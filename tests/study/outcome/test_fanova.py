"""Importance of the hyperparameters of a search."""

from datetime import datetime
from pathlib import Path

import optuna
import pandas as pd
import pytest

from study.search.schedule import RESULT, TRIAL
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
                user_attrs={TRIAL: place, RESULT: result},
                system_attrs={},
                intermediate_values={},
            )
        )


def test_importance_finds_what_matters_and_shows_on_how_many_trials(searched: Path) -> None:
    add_made_up_trials(5)
    few = study("importance")
    assert few.exit_code == 2
    assert "needs 10 finished trials, but there are 5" in few.stderr
    add_made_up_trials(40)
    output = study("importance").output
    lines = {line.split()[0]: line for line in output.splitlines() if line.split()}
    assert "40 trials" in output
    assert int(lines["latent_dim"].split()[1].rstrip("%")) > 80
    assert int(lines["beta"].split()[1].rstrip("%")) < 20

    study("export", "--out", "once")
    study("export", "--out", "twice")
    assert Path("once/importance.csv").read_bytes() == Path("twice/importance.csv").read_bytes()
    frame = pd.read_csv("once/importance.csv")
    assert frame["parameter"][0] == "latent_dim"
    assert (frame["trials"] == 40).all()
    assert (frame["values"] == "final").all()
    assert frame["epoch"].isna().all()
    sums = frame.groupby("group")["importance"].sum()
    assert sums.tolist() == pytest.approx([1.0] * len(sums))
    alone = frame[frame["group"] != "all"]
    assert len(alone)
    assert "architecture" not in set(alone["parameter"]), "it does not vary within itself"

"""What follows a search: confirmation, importance, the doctor, and a grid of the best settings."""

import io
import json
import sqlite3
from datetime import datetime
from pathlib import Path

import optuna
import pandas as pd
import pytest
from click.testing import CliRunner
from mlflow import MlflowClient

from analysis.words import format_number
from pipeline.models import load_model
from pipeline.stages import train
from study import stage
from study.outcome.confirm import new_seeds
from study.search.plan import plan_of
from study.search.schedule import RESULT, TRIAL
from tests.pipeline.stages.conftest import change
from tests.study.conftest import TRIALS, URL, attempts, change_search, searches, study, the_search


@pytest.mark.usefixtures("one_process")
def test_the_stage_exports_a_function_of_the_settings_and_the_grid_adopts_it(
    searched: Path,
) -> None:
    """The store has more trials than the stage exports, and two workers trained them."""
    assert TRIALS > 6
    change_search(searched, trials=6)
    result = CliRunner().invoke(stage.main, [], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    table, card = Path("results/trials.csv"), Path("results/best.json")
    first = table.read_bytes(), card.read_bytes()
    shares = Path("results/importance.csv").read_text()
    assert shares == "group,parameter,importance,trials,values,epoch\n", "six trials are few"
    assert len(pd.read_csv(table)) == 6

    # In another store, one worker trains exactly six: only times and record ids may differ.
    other = ["--workers", "1", "--storage", "sqlite:///other.db"]
    CliRunner().invoke(stage.main, other, catch_exceptions=False)
    assert len(attempts("sqlite:///other.db")) == 6
    assert card.read_bytes() == first[1]
    again, before = pd.read_csv(table), pd.read_csv(io.BytesIO(first[0]))
    own = [name for name in before.columns if name not in ("seconds", "run_id")]
    pd.testing.assert_frame_equal(before[own], again[own])

    best = json.loads(card.read_text())
    change(searched, "train", hyperparameters="searched")
    result = CliRunner().invoke(train.main, ["--workers", "1"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    for folder in Path("models").glob("*/seed-0"):
        settings = json.loads((folder / "config.json").read_text())["settings"]
        found = best["architectures"][settings["architecture"]]["settings"]
        for name in ("hidden", "channels", "batch_size", "learning_rate"):
            assert settings[name] == found[name]
        assert folder.parent.name == f"{settings['architecture']}-{settings['latent_dim']}"
        assert settings["beta"] == 1.0
        assert settings["epochs"] == 2
    assert len(list(Path("models").glob("*/seed-0"))) == 4


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (None, "results/best.json: cannot be read"),
        ("no json", "results/best.json: the file:"),
        ('{"search": "s", "data_hash": "x", "architectures": {}}', "used other data"),
    ],
)
def test_a_searched_grid_without_a_search_is_refused_in_one_line(
    searchable: Path, content: str | None, shown: str
) -> None:
    change(searchable, "train", hyperparameters="searched")
    if content is not None:
        Path("results").mkdir()
        Path("results/best.json").write_text(content)
    result = CliRunner().invoke(train.main, [])
    assert result.exit_code == 2
    assert shown in result.stderr
    assert result.stderr.count("\n") == 1
    assert not Path("models").exists()


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


def test_the_doctor_finds_and_cleans_up_what_a_kill_left(searched: Path) -> None:
    well = study("doctor")
    assert well.exit_code == 0, well.output
    search = the_search()
    owner = dict(attempts()[0].user_attrs["owner"]) | {"vae.pid": "999999"}
    lost = search.ask()
    lost.set_user_attr("owner", owner)
    client = MlflowClient(f"sqlite:///{searched}/mlflow.db")
    client.set_terminated(attempts()[0].user_attrs["run_id"], "FAILED")
    open_run = client.create_run("1", tags=owner)

    ill = study("doctor")
    assert ill.exit_code == 1
    assert "1 trial of dead processes; study doctor --fix" in ill.output
    assert "1 trial with a missing or different record in MLflow" in ill.output
    assert "1 open run of dead processes" in ill.output
    assert attempts()[TRIALS].state.name == "RUNNING"
    fixed = study("doctor", "--fix")
    assert fixed.exit_code == 0, fixed.output
    assert attempts()[TRIALS].state.name == "FAIL"
    assert client.get_run(open_run.info.run_id).info.status == "KILLED"
    assert study("doctor").exit_code == 0


def test_the_doctor_reports_what_it_cannot_repair(searchable: Path) -> None:
    Path("params.yaml").write_text("data: 1")
    Path("study.db").write_bytes(b"no database, but long enough to be taken for one" * 100)
    result = study("doctor")
    assert result.exit_code == 1
    assert "study.db is damaged" in result.output
    assert "params.yaml: " in result.output
    assert "Traceback" not in result.output


def test_a_study_of_another_program_is_left_alone(searchable: Path) -> None:
    storage = optuna.storages.RDBStorage(URL)
    optuna.create_study(study_name="theirs", storage=storage)
    with sqlite3.connect("study.db"):
        pass
    assert "contains no search" in study("best").stderr
    assert "contains no search" in study("list").output
    refused = study("best", "--name", "theirs")
    assert refused.exit_code == 2
    assert "was not made by `study run`; choose another name" in refused.stderr

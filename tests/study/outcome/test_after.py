"""What follows a search: confirmation, importance, the doctor, and a grid of what was found."""

import io
import json
import sqlite3
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
from study.outcome.confirm import fresh_seeds
from study.search.plan import plan_of
from study.search.schedule import TRIAL
from tests.conftest import ROOT
from tests.pipeline.stages.test_stages import change
from tests.study.conftest import change_search
from tests.study.test_search import URL, searches, study, trials


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_the_stage_exports_a_function_of_the_settings_and_the_grid_takes_it_over(
    searchable: Path,
) -> None:
    change_search(searchable, trials=6)
    result = CliRunner().invoke(stage.main, ["--workers", "2"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    table, card = Path("results/trials.csv"), Path("results/best.json")
    first = table.read_bytes(), card.read_bytes()
    shares = Path("results/importance.csv").read_text()
    assert shares == "group,parameter,importance,trials,values,epoch\n", "six trials are few"
    study("run", "--trials", "9", "--workers", "1")  # more than the stage is to have
    CliRunner().invoke(stage.main, [], catch_exceptions=False)
    assert (table.read_bytes(), card.read_bytes()) == first
    assert len(pd.read_csv(table)) == 6

    # Another store and one worker: only times and record ids may differ.
    other = ["--workers", "1", "--storage", "sqlite:///other.db"]
    CliRunner().invoke(stage.main, other, catch_exceptions=False)
    assert card.read_bytes() == first[1]
    again, before = pd.read_csv(table), pd.read_csv(io.BytesIO(first[0]))
    own = [name for name in before.columns if name not in ("seconds", "run_id")]
    pd.testing.assert_frame_equal(before[own], again[own])

    best = json.loads(card.read_text())
    change(searchable, hyperparameters="searched")
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
    ("content", "told"),
    [
        (None, "results/best.json: cannot be read"),
        ("no json", "results/best.json: the file:"),
        ('{"search": "s", "data_hash": "x", "architectures": {}}', "used other data"),
    ],
)
def test_a_searched_grid_without_a_search_is_refused_in_one_line(
    searchable: Path, content: str | None, told: str
) -> None:
    change(searchable, hyperparameters="searched")
    if content is not None:
        Path("results").mkdir()
        Path("results/best.json").write_text(content)
    result = CliRunner().invoke(train.main, [])
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert not Path("models").exists()


def test_a_trial_is_confirmed_with_fresh_seeds(searchable: Path) -> None:
    study("run", "--trials", "2", "--workers", "1", "--pruner", "none")
    result = study("rerun", "1", "--seeds", "2", "--workers", "1")
    assert result.exit_code == 0, result.output
    runs = pd.read_csv("results/confirmed.csv")
    search = optuna.load_study(study_name=searches()[0], storage=URL)
    assert runs["seed"].tolist() == fresh_seeds(plan_of(search), 2) == [1, 2]
    assert (runs["searched_elbo"] == trials()[1].value).all()
    searched, mean = trials()[1].value, runs["elbo"].mean()
    way = "better" if searched >= mean else "worse"
    said = (
        f"the search saw {format_number(searched)}, {way} by {format_number(abs(searched - mean))}"
    )
    assert said in result.output
    folder = Path("results/confirmed") / searches()[0] / "trial-1" / "seed-1"
    assert load_model(folder).latent_dim == trials()[1].params["latent_dim"]

    again = study("rerun", "1", "--seeds", "3", "--workers", "1")
    assert "trained 1 runs" in again.output  # the third; two are there
    study("rerun", "0", "--seeds", "1", "--workers", "1")
    assert len(pd.read_csv("results/confirmed.csv")) == 4
    refused = study("rerun", "7")
    assert refused.exit_code == 2
    assert "has no trial 7; it has 0 to 1" in refused.stderr


def fake_search(number: int) -> None:
    """A search of made-up trials in which the latent size decides all."""
    study("run", "--trials", "1", "--workers", "1")
    search = optuna.load_study(study_name=searches()[0], storage=URL)
    (first,) = search.get_trials()
    for turn in range(1, number):
        params = first.params | {"latent_dim": 2 + turn % 7, "beta": 0.5 + (turn * 7 % 10) / 10}
        search.add_trial(
            optuna.create_trial(
                value=10.0 * params["latent_dim"],
                params=params,
                distributions=first.distributions,
                user_attrs=first.user_attrs | {TRIAL: turn},
            )
        )


def test_importance_finds_what_matters_and_says_on_how_many_trials(searchable: Path) -> None:
    fake_search(5)
    few = study("importance")
    assert few.exit_code == 2
    assert "needs 10 finished trials, but there are 5" in few.stderr
    for file in Path().glob("study.db*"):
        file.unlink()
    fake_search(40)
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


def test_the_doctor_finds_and_repairs_what_a_kill_left(searchable: Path) -> None:
    study("run", "--trials", "2", "--workers", "1")
    well = study("doctor")
    assert well.exit_code == 0, well.output
    search = optuna.load_study(study_name=searches()[0], storage=URL)
    owner = dict(trials()[0].user_attrs["owner"]) | {"vae.pid": "999999"}
    lost = search.ask()
    lost.set_user_attr("owner", owner)
    client = MlflowClient(f"sqlite:///{searchable}/mlflow.db")
    client.set_terminated(trials()[0].user_attrs["run_id"], "FAILED")
    open_run = client.create_run("1", tags=owner)

    ill = study("doctor")
    assert ill.exit_code == 1
    assert "1 trials of dead processes; study doctor --fix" in ill.output
    assert "1 trials whose record in MLflow" in ill.output
    assert "1 open runs of dead processes" in ill.output
    assert trials()[2].state.name == "RUNNING"
    fixed = study("doctor", "--fix")
    assert fixed.exit_code == 0, fixed.output
    assert trials()[2].state.name == "FAIL"
    assert client.get_run(open_run.info.run_id).info.status == "KILLED"
    assert study("doctor").exit_code == 0


def test_the_doctor_tells_what_it_cannot_repair(searchable: Path) -> None:
    Path("params.yaml").write_text("data: 1")
    Path("study.db").write_bytes(b"no database, but long enough to be taken for one" * 100)
    result = study("doctor")
    assert result.exit_code == 1
    assert "study.db is damaged" in result.output
    assert "params.yaml: " in result.output
    assert "Traceback" not in result.output


def test_a_store_of_others_is_left_alone(searchable: Path) -> None:
    storage = optuna.storages.RDBStorage(URL)
    optuna.create_study(study_name="theirs", storage=storage)
    with sqlite3.connect("study.db"):
        pass
    assert "holds no search" in study("best").stderr
    assert "holds no search" in study("list").output
    told = study("best", "--name", "theirs")
    assert told.exit_code == 2
    assert "was not made by `study run`; name another" in told.stderr

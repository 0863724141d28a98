"""A search whose trials nobody had to train."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from pipeline.settings import load_settings
from pipeline.settings.space import Value
from study.search.plan import Plan
from study.search.schedule import TRIAL
from study.search.space import distributions
from study.store.joining import open_search
from study.store.quiet import quiet_optuna
from tests.conftest import ROOT
from tests.study.conftest import URL

NAME = "made-up"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder without anything."""
    quiet_optuna()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def made_search(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a search of twelve complete trials, closed."""
    path = tmp_path_factory.mktemp("made") / "study.db"
    make_search(f"sqlite:///{path}", trials=12)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def search(folder: Path, made_search: Path) -> Path:
    """The current folder, whose store has a search with twelve complete trials."""
    shutil.copy(made_search, folder)
    return folder


def make_search(url: str = URL, name: str = NAME, trials: int = 1) -> None:
    """Store a search with complete trials."""
    quiet_optuna()
    settings = load_settings(ROOT / "params.yaml")
    made, _ = open_search(url, Plan.of(settings, "0" * 64), name, trials)
    for number in range(trials):
        params: dict[str, Value] = {
            "architecture": "linear",
            "latent_dim": 2 + number,
            "beta": 0.7 + number / 30,
            "learning_rate": 0.005,
            "batch_size": 128,
            "hidden": "[400, 200]",
        }
        elbo = -100.0 - (number - 5) ** 2
        numbers = {"elbo": elbo, "reconstruction": -elbo - 10, "kl": 10.0}
        made.add_trial(
            optuna.create_trial(
                state=TrialState.COMPLETE,
                values=[elbo],
                params=params,
                distributions=distributions(params, settings.search.space),
                user_attrs={TRIAL: number, "epochs": 20, "seconds": 4.5} | numbers,
                intermediate_values={7: -120.5},
            )
        )

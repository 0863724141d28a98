"""Without a name, a command means the search of params.yaml, or else the newest."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from pipeline.settings import Settings, load_settings
from study.search.plan import Plan
from study.search.schedule import TRIAL
from study.search.space import distributions
from study.store.joining import open_search
from study.store.quiet import quiet_optuna
from tests.conftest import ROOT
from tests.study.conftest import URL, change_search, study

PARAMS = {
    "architecture": "linear",
    "latent_dim": 5,
    "beta": 1.0,
    "learning_rate": 0.005,
    "batch_size": 128,
    "hidden": "[400, 200]",
}
NUMBERS = {"elbo": -100.0, "reconstruction": 90.0, "kl": 10.0, "epochs": 20, "seconds": 4.5}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the settings and the pipeline of the repository."""
    quiet_optuna()
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def store(settings: Settings, hours: int, name: str | None = None) -> str:
    """Store a search of one trial, which began some hours after the others."""
    plan = Plan.of(settings, "0" * 64)
    search, _ = open_search(URL, plan, name or plan.name, 1)
    trial = optuna.create_trial(
        value=-100.0,
        params=PARAMS,
        distributions=distributions(PARAMS, settings.search.space),
        user_attrs={TRIAL: 0} | NUMBERS,
    )
    trial.datetime_start = datetime(2026, 1, 1) + timedelta(hours=hours)
    trial.state = TrialState.COMPLETE
    search.add_trial(trial)
    return search.study_name


def with_seed(seed: int) -> Settings:
    settings = load_settings("params.yaml")
    return settings.model_copy(update={"search": settings.search.model_copy(update={"seed": seed})})


def shown(*words: str) -> tuple[str, str]:
    result = study("status", "--json", *words)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["search"], result.stderr


def test_the_only_search_is_meant_without_a_word(project: Path) -> None:
    name = store(with_seed(1), 0)
    assert shown() == (name, "")


def test_the_search_of_params_yaml_is_meant_not_the_newest(project: Path) -> None:
    own = store(with_seed(0), 0)
    newest = store(with_seed(1), 5)
    assert shown() == (own, f"search {own}: that of params.yaml; --name chooses another\n")
    change_search(project, seed=1)
    assert shown()[0] == newest
    change_search(project, trials=35)  # does not make another search
    assert shown()[0] == newest
    assert shown("--name", own) == (own, "")


def test_of_searches_that_nothing_describes_the_newest_is_meant_and_named(project: Path) -> None:
    store(with_seed(1), 0)
    newest = store(with_seed(2), 5)
    said = f"search {newest}: the newest, since none is that of params.yaml; --name chooses another"
    for words in (["status"], ["best"], ["show", "0"], ["export", "--out", "elsewhere"]):
        result = study(*words)
        assert result.exit_code == 0, result.output
        assert result.stderr == f"{said}\n"
    (project / "params.yaml").write_text("search: [")
    assert shown()[0] == newest
    (project / "params.yaml").unlink()
    assert shown()[0] == newest


def test_a_search_with_a_name_of_its_own_is_not_that_of_the_pipeline(project: Path) -> None:
    own = store(with_seed(0), 0)
    store(with_seed(0), 5, "mine")
    assert shown()[0] == own


def exported() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("results").iterdir()}


def test_another_search_never_replaces_the_files_of_the_pipeline(project: Path) -> None:
    own, other = store(with_seed(0), 0), store(with_seed(1), 5)
    assert study("export").exit_code == 0
    before = exported()
    for out in ("results", "./results", str(project / "results")):
        refused = study("export", "--name", other, "--out", out)
        assert refused.exit_code == 2
        assert refused.stderr.count("\n") == 1
        assert f"--out results/searches/{other}" in refused.stderr
        assert exported() == before
    assert study("export", "--name", other, "--out", f"results/searches/{other}").exit_code == 0
    assert study("export", "--name", own).exit_code == 0  # its own files may be written again


def test_the_search_of_params_yaml_may_replace_an_earlier_one(project: Path) -> None:
    store(with_seed(0), 0)
    other = store(with_seed(1), 5)
    assert study("export").exit_code == 0
    change_search(project, seed=1)
    assert study("export").exit_code == 0
    assert json.loads(Path("results/best.json").read_text())["search"] == other


def test_where_there_is_no_pipeline_any_export_is_replaced(project: Path) -> None:
    store(with_seed(0), 0)
    other = store(with_seed(1), 5)
    (project / "dvc.yaml").unlink()
    assert study("export").exit_code == 0
    assert study("export", "--name", other).exit_code == 0


def test_a_pipeline_that_cannot_be_read_keeps_its_files(project: Path) -> None:
    store(with_seed(0), 0)
    other = store(with_seed(1), 5)
    assert study("export").exit_code == 0
    (project / "dvc.yaml").write_text("stages: [")
    assert study("export", "--name", other).exit_code == 2

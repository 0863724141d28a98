"""`--json`: one valid document per command, with the numbers of the store and the table's."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from pipeline.settings import Objective, load_settings
from pipeline.settings.space import Value
from study.cli import main
from study.search.plan import Plan
from study.search.schedule import FAULT, RUN_ID, TRACEBACK, TRIAL, TWIN
from study.search.space import distributions
from study.store.joining import open_search
from study.store.quiet import quiet_optuna
from tests.conftest import ROOT
from tests.study.conftest import URL, study

NAME = "made-up"
COMMANDS = {
    name for name, one in main.commands.items() if "as_json" in {p.name for p in one.params}
}
LINEAR: dict[str, Value] = {
    "architecture": "linear",
    "latent_dim": 10,
    "beta": 1.0,
    "learning_rate": 0.005,
    "batch_size": 128,
    "hidden": "[400, 200]",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder without anything."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def new_search(objective: Objective = "elbo", target: int = 5) -> optuna.Study:
    quiet_optuna()
    settings = load_settings(ROOT / "params.yaml")
    changed = settings.search.model_copy(update={"objective": objective})
    plan = Plan.of(settings.model_copy(update={"search": changed}), "0" * 64)
    search, _ = open_search(URL, plan, NAME, target)
    return search


def attempt(
    number: int,
    state: TrialState,
    elbo: float | None = None,
    more: Mapping[str, object] | None = None,
    two: bool = False,
) -> FrozenTrial:
    """An attempt at a trial, with an ELBO that is all reconstruction but for ten nats."""
    noted: dict[str, Any] = {TRIAL: number, **(more or {})}
    if elbo is not None:
        noted |= {"elbo": elbo, "reconstruction": -elbo - 10, "kl": 10.0, "epochs": 20}
        noted["seconds"] = 4.5
    values = None if elbo is None else [-elbo - 10, 10.0] if two else [elbo]
    params = LINEAR | {"latent_dim": 2 + number}
    return optuna.create_trial(
        state=state,
        values=values,
        params=params,
        distributions=distributions(params, load_settings(ROOT / "params.yaml").search.space),
        user_attrs=noted,
        intermediate_values={7: -120.5} if elbo is not None else None,
    )


def fill(search: optuna.Study) -> None:
    search.add_trial(attempt(0, TrialState.COMPLETE, -109.123456789))
    search.add_trial(attempt(1, TrialState.FAIL))  # killed, then retried
    search.add_trial(attempt(1, TrialState.COMPLETE, -101.5))
    search.add_trial(attempt(2, TrialState.PRUNED))
    search.add_trial(
        attempt(3, TrialState.FAIL, more={FAULT: "diverged", TRACEBACK: "Traceback: x"})
    )
    search.add_trial(attempt(4, TrialState.RUNNING, more={RUN_ID: ""}))  # not recorded yet
    search.add_trial(attempt(5, TrialState.COMPLETE, -101.5, {TWIN: 1}))


def document(*words: str) -> Any:
    """The one document that a command prints."""
    result = study(*words, "--json")
    assert result.stderr == ""
    assert result.stdout.endswith("\n")
    assert "\x1b" not in result.stdout

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    content = json.loads(result.stdout, parse_constant=refuse)
    assert result.stdout == json.dumps(content, indent=2) + "\n"
    return content


def test_status_and_list_say_how_far_a_search_is(folder: Path) -> None:
    fill(new_search())
    status = document("status")
    assert document("list")[0] | {"running": []} == status | {"running": []}
    counts = {"complete": 3, "pruned": 1, "failed": 1, "running": 1, "lost": 0}
    assert status["counts"] == counts
    assert (status["finished"], status["target"], status["done"]) == (4, 5, False)
    assert (status["search"], status["objective"], status["data"]) == (NAME, "elbo", "mnist-5k")
    assert datetime.fromisoformat(status["started"]).tzinfo is not None
    assert [one["number"] for one in status["best"]] == [1]
    (running,) = status["running"]
    assert running["number"] == 4
    assert running["params"]["hidden"] == [400, 200]
    assert 0 <= running["seconds"] < 60

    table = study("status").output
    assert "4 of 5 trials finished: 3 complete, 1 pruned; 1 failed, 1 running" in table
    assert "trial 1, elbo -101.50: linear dim=3" in table
    assert "trial 4, " in table
    assert "4/5" in study("list").output


def test_best_has_the_numbers_of_the_store_unrounded(folder: Path) -> None:
    fill(new_search())
    best = document("best")
    assert [one["number"] for one in best["trials"]] == [1, 0], "a twin is not listed again"
    last = best["trials"][1]
    assert last["values"] == {"elbo": -109.123456789}
    assert last["metrics"] == {
        "elbo": -109.123456789,
        "reconstruction": 109.123456789 - 10,
        "kl": 10.0,
        "nll": None,
        "spread": None,
    }
    assert last["params"] == LINEAR | {"latent_dim": 2, "hidden": [400, 200]}
    assert (last["epochs"], last["seconds"]) == (20, 4.5)
    assert document("best", "-n", "1")["trials"] == best["trials"][:1]
    table = study("best").output
    assert table.index("-101.50") < table.index("-109.12")


def test_two_objectives_have_a_front(folder: Path) -> None:
    search = new_search("rate-distortion")
    search.add_trial(attempt(0, TrialState.COMPLETE, -109.0, two=True))
    search.add_trial(attempt(1, TrialState.COMPLETE, -101.0, two=True))
    best = document("best")
    assert [one["values"] for one in best["trials"]] == [{"reconstruction": 91.0, "kl": 10.0}]
    assert document("status")["best"] == best["trials"]
    assert "1 trial on the Pareto front" in study("status").output


def test_show_has_all_attempts_and_what_went_wrong(folder: Path) -> None:
    fill(new_search())
    retried = document("show", "1")
    states = [(one["optuna_number"], one["state"]) for one in retried["attempts"]]
    assert states == [(1, "fail"), (2, "complete")]
    assert retried["compared"] == [{"epoch": 7, "value": -120.5}]
    assert retried["values"] == {"elbo": -101.5}
    assert (retried["reason"], retried["traceback"], retried["same_as"]) == (None, None, None)
    failed = document("show", "3")
    assert (failed["state"], failed["reason"]) == ("failed", "diverged")
    assert failed["traceback"] == "Traceback: x"
    assert failed["values"] == {"elbo": None}
    assert set(failed["metrics"].values()) == {None}
    assert (failed["epochs"], failed["seconds"], failed["mlflow_run"]) == (None, None, None)
    assert document("show", "4")["attempts"][0]["ended"] is None
    assert document("show", "4")["mlflow_run"] is None
    assert document("show", "5")["same_as"] == 1
    assert "same settings as  trial 1" in re.sub("  +", "  ", study("show", "5").output)
    assert "-101.50" in study("show", "1").output


def test_what_is_not_a_number_is_null(folder: Path) -> None:
    search = new_search()
    search.add_trial(attempt(0, TrialState.COMPLETE, -101.0, {"nll": float("nan")}))
    assert document("best")["trials"][0]["metrics"]["nll"] is None


def test_nothing_yields_empty_documents(folder: Path) -> None:
    assert document("list") == []
    missing = study("status", "--json")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert missing.stderr.count("\n") == 1
    new_search().add_trial(attempt(0, TrialState.RUNNING))
    assert document("best")["trials"] == []
    assert document("status")["best"] == []
    few = study("importance", "--json")
    assert (few.exit_code, few.stdout) == (2, "")
    assert "importance needs 10 complete trials" in few.stderr


def test_importance_has_the_shares_of_the_table(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.outcome.fanova.RESAMPLES", 3)  # of 100, which take 20 s
    search = new_search()
    for number in range(12):
        trial = attempt(number, TrialState.COMPLETE, -109.0 + number)
        trial.params["beta"] = 0.7 + (number * 7 % 10) / 20
        search.add_trial(trial)
    found = document("importance")
    group = found["groups"][0]
    assert (group["group"], group["trials"]) == ("all", 12)
    shares = {one["parameter"]: one for one in group["shares"]}
    assert sum(one["importance"] for one in shares.values()) == pytest.approx(1)
    first = shares["latent_dim"]
    assert 0 <= first["low"] <= first["high"] <= 1
    shown = f"{first['importance']:.0%} [{first['low']:.0%}, {first['high']:.0%}]"
    assert shown in study("importance").output


def test_the_doctor_exits_with_1_if_something_is_wrong(searched: Path) -> None:
    well = study("doctor", "--json")
    assert well.exit_code == 0, well.output
    found = json.loads(well.stdout)
    assert found["ok"] is True
    assert {one["verdict"] for one in found["findings"]} == {"good"}
    assert {one["remedy"] for one in found["findings"]} == {None}
    Path("params.yaml").write_text("data: 1")
    ill = study("doctor", "--json")
    assert ill.exit_code == 1
    found = json.loads(ill.stdout)
    assert found["ok"] is False
    bad = [one for one in found["findings"] if one["verdict"] == "bad"]
    assert [one["checked"] for one in bad] == ["settings", "data"]
    table = study("doctor").output
    assert all(one["found"] in table for one in bad)


def test_where_has_the_paths_that_exist(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    nothing = document("where")
    assert nothing["report"] == {"paths": [], "command": "dvc repro", "address": None}
    assert nothing["metrics"]["command"] == "dvc metrics show"
    assert nothing["runs"]["address"].startswith("http://127.0.0.1:5000/")
    (folder / "results").mkdir()
    (folder / "results" / "best.json").touch()
    assert document("where")["search"]["paths"] == [str(folder / "results" / "best.json")]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@example.org/mlflow")
    address = "https://me:***@example.org/mlflow"
    assert document("where")["runs"] == {"paths": None, "command": None, "address": address}
    assert f"{address} (MLFLOW_TRACKING_URI)" in study("where").output


@pytest.mark.parametrize("command", ["status", "list", "best", "show 0", "importance", "doctor"])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me:secret@localhost:1/trials",
        "postgresql+psycopg://me:sec@ret@host:no-port/trials",
        "mysql://me:secret@host/trials?password=secret",
        "no address://me:secret",
    ],
)
def test_a_password_is_never_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: str, url: str
) -> None:
    monkeypatch.setattr("study.store.reconnect.OUTAGE", 0)
    for words in ([], ["--json"]):
        result = study(*command.split(), "--storage", url, *words)
        assert result.exit_code == (1 if command == "doctor" else 2)
        assert "sec" not in re.sub("seconds?", "", result.output)
        assert "***" in result.output or "is not a database address" in result.output


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_with_json_is_described(command: str) -> None:
    page = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
    section = page.partition("## JSON")[2].partition("\n## ")[0]
    assert f"`study {command}`" in section


def test_every_key_is_described(folder: Path) -> None:
    fill(new_search())
    section = (ROOT / "docs" / "search.md").read_text(encoding="utf-8").partition("## JSON")[2]
    described = set(re.findall(r"`(\w+)`", section.partition("\n## ")[0]))
    for words in (["status"], ["best"], ["show", "3"], ["doctor"], ["where"]):
        content = json.loads(study(*words, "--json").stdout)
        assert keys_of(content) <= described, words


def keys_of(content: object) -> set[str]:
    """All keys of a document, except those of settings, which are documented elsewhere."""
    if isinstance(content, list):
        return set().union(*(keys_of(one) for one in content))
    if not isinstance(content, dict):
        return set()
    inner = (keys_of(one) for key, one in content.items() if key != "params")
    return set(content).union(*inner)


def test_looking_at_a_search_loads_nothing_heavy(folder: Path) -> None:
    fill(new_search())
    code = (
        "import sys; from study.cli import main\n"
        "for words in (['status'], ['list'], ['best'], ['show', '0'], ['where']):\n"
        "    main([*words, '--json'], standalone_mode=False)\n"
        "print(sorted({'torch', 'mlflow', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]", result.stderr


def test_json_is_an_option_of_everything_that_shows() -> None:
    expected = {"status", "list", "best", "show", "importance", "doctor", "where", "compare"}
    assert expected == COMMANDS

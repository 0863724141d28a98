"""The stage `search`: what it exports, and the grid that adopts it."""

import io
import json
import sqlite3
from pathlib import Path

import optuna
import pandas as pd
import pytest
from click.testing import CliRunner
from optuna.exceptions import StorageInternalError

from pipeline.errors import UserError
from pipeline.stages import train
from study import stage
from tests.pipeline.stages.conftest import change
from tests.study.conftest import TRIALS, attempts, change_search, study


@pytest.mark.usefixtures("one_process")
def test_the_stage_exports_a_function_of_the_settings_and_the_grid_adopts_it(
    searched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store has more trials than the stage exports, and two workers trained them."""
    assert TRIALS > 6
    change_search(searched, trials=6, confirm=2)
    change(searched, "train", seeds=[0, 1, 2])
    result = CliRunner().invoke(stage.main, [], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    table, card = Path("results/trials.csv"), Path("results/best.json")
    first = table.read_bytes(), card.read_bytes()
    shares = Path("results/importance.csv").read_text()
    assert shares == "group,parameter,importance,low,high,trials\n", "six trials are few"
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
    numbers = {name: found["number"] for name, found in best["architectures"].items()}
    for found in best["architectures"].values():
        assert found["confirmed_epochs"] == 2, "those of the grid"
        seeds = {run["seed"] for run in found["confirmed"]}
        assert len(seeds) == 2
        assert not seeds & {0, 1, 2}, "0 is the search's, and all are the grid's"

    # An export by hand of more trials keeps what is known of those that are still the best.
    study("export")
    exported = json.loads(card.read_text())["architectures"]
    same = [name for name in exported if exported[name]["number"] == numbers[name]]
    assert same
    for name in same:
        assert exported[name]["confirmed"] == best["architectures"][name]["confirmed"]
    card.write_bytes(first[1])

    change(searched, "train", hyperparameters="searched", seeds=[0])
    refused = CliRunner().invoke(train.main, ["--workers", "1"], catch_exceptions=False)
    assert refused.exit_code == 2
    assert "needs an architecture with 5 complete trials, but results/best.json" in refused.stderr
    assert not Path("models").exists()
    monkeypatch.setattr("pipeline.jobs.searched.FEWEST", 1)
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


@pytest.mark.usefixtures("one_process")
def test_a_confirmation_that_fails_does_not_cost_the_export(
    searched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_search(searched, trials=6)

    def diverge(*words: object) -> None:
        raise UserError("run trial-3/seed-4 failed: the loss is nan")

    monkeypatch.setattr(stage, "confirm", diverge)
    result = CliRunner().invoke(stage.main, [], catch_exceptions=False)
    assert result.exit_code == 0
    assert "is not confirmed: run trial-3/seed-4 failed: the loss is nan" in result.stderr
    best = json.loads(Path("results/best.json").read_text())
    assert all(found["confirmed"] == [] for found in best["architectures"].values())


def test_a_disk_that_is_full_after_the_search_is_one_line(
    searched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_search(searched, trials=TRIALS, confirm=0)

    def refuse(search: optuna.Study, trials: object) -> None:
        raise StorageInternalError("not stored") from sqlite3.OperationalError("disk is full")

    monkeypatch.setattr("study.outcome.export.remember_importance", refuse)
    result = CliRunner().invoke(stage.main, [], catch_exceptions=False)
    assert result.exit_code == 2
    assert "cannot be written: disk is full; free some space" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (None, "results/best.json: cannot be read"),
        ("no json", "results/best.json: is not valid JSON"),
        (
            '{"search": "s", "data_hash": "x", "architectures": {}}',
            "does not describe a search: objective",
        ),
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

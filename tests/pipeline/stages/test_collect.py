"""The tables and origins of a grid's results, on small data."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from analysis.read.frames import read_runs
from pipeline.runtime.code_version import commit_date
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.protocol import PROTOCOL_FIELDS
from pipeline.schemas.provenance import Provenance
from pipeline.schemas.record import read_record
from pipeline.schemas.tables import IDENTITY
from pipeline.settings import load_settings
from pipeline.stages import collect
from tests.pipeline.stages.conftest import PLANE_ONLY, RUNS, call


def test_the_tables_hold_one_row_per_run_and_epoch(evaluated: Path) -> None:
    assert call(collect.main).output == "4 runs in results/metrics.csv\n"
    with (evaluated / "results" / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == list(RUNS)
    assert len(json.loads(rows[1]["kl_per_dim"])) == 3
    assert list(rows[0]) == [
        *IDENTITY,
        "parameters",
        "train_seconds",
        "epochs",
        *PROTOCOL_FIELDS,
        *METRICS,
        "kl_per_dim",
        "collapsed",
        "data_hash",
        "commit",
        "run_id",
    ]
    for name in PLANE_ONLY:
        assert [bool(row[name]) for row in rows] == [True, False, True, False]
    frame = read_runs(evaluated / "results" / "metrics.csv")
    assert frame["grid_center_class"].notna().tolist() == [True, False, True, False]
    assert frame["ais_nll"].isna().all()
    with (evaluated / "results" / "history.csv").open(newline="") as file:
        epochs = list(csv.DictReader(file))
    assert len(epochs) == 4 * 2 * 2
    assert {row["run"] for row in epochs} == set(RUNS)


def test_the_provenance_is_that_of_the_cards(evaluated: Path) -> None:
    call(collect.main)
    path = evaluated / "results" / "provenance.json"
    found = read_record(Provenance, path)
    assert list(found.runs) == list(RUNS)
    card = json.loads((evaluated / "models" / RUNS[0] / "config.json").read_text())
    first = found.runs[RUNS[0]]
    assert first.versions == card["versions"]
    assert {"python", "torch", "numpy"} <= set(first.versions)
    assert (first.device, first.threads) == ("cpu", card["threads"])
    assert first.weights == card["sha256"]["model.safetensors"]
    assert first.settings is not None
    assert first.settings.model_dump(mode="json") == card["settings"]
    assert found.evaluation == load_settings("params.yaml").evaluate
    assert found.dates == ({card["commit"]: commit_date(card["commit"])} if card["commit"] else {})
    before = path.read_bytes()
    call(collect.main)
    assert path.read_bytes() == before


def test_the_data_card_is_handed_on(evaluated: Path) -> None:
    call(collect.main)
    before = json.loads((evaluated / "data" / "prepared.json").read_text())
    after = json.loads((evaluated / "results" / "data.json").read_text())
    assert after == before
    assert after["sizes"] == {"train": 104, "valid": 16, "test": 40}


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (
            "results/runs/linear-2/seed-0/metrics.json",
            None,
            "cannot be read: No such file or directory; run `dvc repro evaluate`",
        ),
        (
            "results/runs/linear-2/seed-0/metrics.json",
            "{",
            "is not valid JSON; run `dvc repro evaluate`",
        ),
        (
            "results/runs/linear-2/seed-0/metrics.json",
            '{"run": "linear-2/seed-0"}',
            "does not describe a run's metrics: the file: must hold architecture, "
            "latent_dim, beta, seed, parameters; run `dvc repro evaluate`",
        ),
        (
            "models/linear-3/seed-0/history.csv",
            None,
            "cannot be read: No such file or directory; run `dvc repro train`",
        ),
        (
            "models/linear-3/seed-0/history.csv",
            "epoch,split\n",
            "must have rows with epoch, split, elbo, reconstruction, kl, loss, seconds, "
            "learning_rate; run `dvc repro train`",
        ),
        (
            "data/prepared.json",
            "{}",
            "does not describe a data set: name: Field required; "
            "write it again with `dvc repro prepare collect`",
        ),
    ],
)
def test_a_missing_or_damaged_file_is_reported_in_one_line(
    evaluated: Path, file: str, content: str | None, message: str
) -> None:
    path = evaluated / file
    path.unlink() if content is None else path.write_text(content)
    result = CliRunner().invoke(collect.main, [])
    assert result.exit_code == 2
    assert result.stderr == f"Error: {file}: {message}\n"

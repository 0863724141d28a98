"""The tables and origins of a grid's results, on small data."""

import csv
import json
from pathlib import Path

import pytest

from analysis.read.frames import read_runs
from pipeline.runtime.code_version import commit_date
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.protocol import PROTOCOL_FIELDS
from pipeline.schemas.provenance import read_origins
from pipeline.stages import collect
from tests.pipeline.stages.conftest import PLANE_ONLY, RUNS, call

# The first test of a process trains and measures the runs that the others copy.
pytestmark = pytest.mark.timeout(300)


def test_the_tables_hold_one_row_a_run_and_an_epoch(evaluated: Path) -> None:
    (evaluated / "data" / "prepared.json").write_text('{"name": "mnist-5k"}\n')
    assert call(collect.main).output == "4 runs in results/metrics.csv\n"
    with (evaluated / "results" / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == list(RUNS)
    assert len(json.loads(rows[1]["kl_per_dim"])) == 3
    assert {*PROTOCOL_FIELDS, *METRICS, "collapsed"} <= set(rows[0])
    for name in PLANE_ONLY:
        assert [bool(row[name]) for row in rows] == [True, False, True, False]
    frame = read_runs(evaluated / "results" / "metrics.csv")
    assert frame["grid_center_class"].notna().tolist() == [True, False, True, False]
    assert frame["ais_nll"].isna().all()
    with (evaluated / "results" / "history.csv").open(newline="") as file:
        epochs = list(csv.DictReader(file))
    assert len(epochs) == 4 * 2 * 2
    assert {row["run"] for row in epochs} == set(RUNS)


def test_the_origins_are_those_of_the_cards(evaluated: Path) -> None:
    (evaluated / "data" / "prepared.json").write_text('{"name": "mnist-5k"}\n')
    call(collect.main)
    path = evaluated / "results" / "provenance.json"
    origins = read_origins(path)
    assert origins is not None
    assert list(origins.runs) == list(RUNS)
    card = json.loads((evaluated / "models" / RUNS[0] / "config.json").read_text())
    first = origins.runs[RUNS[0]]
    assert first.versions == card["versions"]
    assert {"python", "torch", "numpy"} <= set(first.versions)
    assert (first.device, first.threads) == ("cpu", card["threads"])
    assert first.weights == card["sha256"]["model.safetensors"]
    assert origins.dates == (
        {card["commit"]: commit_date(card["commit"])} if card["commit"] else {}
    )
    before = path.read_bytes()
    call(collect.main)
    assert path.read_bytes() == before

"""What is measured of one run: more where it is asked for, less where it means nothing."""

import csv
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.data.prepared import load_prepared
from pipeline.evaluation.evaluated_model import Measurement
from pipeline.jobs.evaluation_job import describe
from pipeline.jobs.evaluation_task import usable_card
from pipeline.judge.context import JudgedModel, load_context
from pipeline.measures import registry
from pipeline.measures.run import measure_run
from pipeline.schemas.arrays import Arrays, read_arrays
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.run_card import RunCard
from pipeline.schemas.tables import Row
from pipeline.settings import load_settings
from pipeline.stages import collect, evaluate
from tests.pipeline.stages.conftest import RUNS, call, change, read_row

PREPARED, MODEL = Path("data/prepared.safetensors"), Path("models/linear-2/seed-0")
JUDGE = Path("judge")
AIS = {name for name in METRICS if name.startswith("ais_")}


def measured(card: RunCard | None = None, **settings: Any) -> tuple[Row, Arrays]:
    """Measure one model, with changes to section ``evaluate``."""
    data = load_prepared(PREPARED)
    context = load_context(JUDGE, data.hash, data.splits["test"])
    changed = load_settings().evaluate.model_copy(update=settings)
    used = card or usable_card(MODEL, data.hash)
    return measure_run("run", MODEL, used, changed, data, context)


def test_more_can_be_asked_for(evaluated: Path) -> None:
    row, _ = measured(ais_images=3, ais_chains=4, ais_steps=20, nll_images=None)
    before = read_row(evaluated, "linear-2/seed-0")
    assert row["ais_images"] == 3
    assert 0 < row["ais_nll"] < 200
    assert math.isfinite(row["ais_gap"])
    assert row["nll_5000_images"] == 40
    assert row["nll_500_subset"] == pytest.approx(row["nll_500"], abs=0.05)
    others = {name for name in METRICS if name not in AIS and "subset" not in name}
    others -= {name for name in METRICS if "5000" in name}
    assert {name: row[name] for name in others} == {name: before[name] for name in others}


def my_measure(subject: JudgedModel) -> Measurement:
    """A new number, and a new picture: the mean of the samples."""
    mean = subject.samples.mean(0)
    return {"my_number": float(mean.mean())}, {"my_picture": (255 * mean).byte().numpy()}


def test_a_new_measure_is_one_file_and_one_line(
    evaluated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In metrics.json, metrics.csv and arrays.npz, without a change anywhere else."""
    change(evaluated, "train", architectures=["linear"], latent_dims=[2])
    name, results_of = RUNS[0], evaluated / "results"
    before = read_row(evaluated, name)
    monkeypatch.setattr(registry, "MEASURES", (*registry.MEASURES, my_measure))
    # A line in the registry's file has runs evaluated again; this one is only in memory.
    shutil.rmtree(results_of / "runs" / name)
    shutil.rmtree(evaluated / "kept")
    assert "evaluated 1 runs" in call(evaluate.main).output
    row = read_row(evaluated, name)
    assert {key: row[key] for key in before} == before
    assert row.keys() - before.keys() == {"my_number"}
    picture = read_arrays(results_of / "runs" / name / "arrays.npz")["my_picture"]
    assert (picture.shape, picture.dtype) == ((1, 8, 8), np.uint8)
    assert picture.mean() / 255 == pytest.approx(row["my_number"], abs=0.005)
    call(collect.main)
    with (results_of / "metrics.csv").open(newline="") as file:
        (cells,) = csv.DictReader(file)
    assert float(cells["my_number"]) == row["my_number"]


def test_grey_pixels_under_a_bernoulli_have_no_nll(trained: Path) -> None:
    card = usable_card(MODEL, load_prepared(PREPARED).hash)
    grey = card.model_copy(
        update={
            "settings": card.settings.model_copy(update={"binarisation": "none"}),
            "protocol": replace(card.protocol, binarisation="none"),
        }
    )
    row, arrays = measured(grey, ais_images=1)
    assert {name for name in METRICS if row[name] is None} == {
        name for name, metric in METRICS.items() if metric.group == "likelihood"
    }
    assert not [name for name in arrays if name.startswith("nll")]
    assert "NLL" not in describe(row, 1.0)
    assert "nll_500" not in evaluate.cell_means([row])

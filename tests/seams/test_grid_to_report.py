"""From `evaluate` through `collect` to the written report, with trained and measured runs."""

import json
from pathlib import Path

import pytest

from analysis.read.arrays import load_drawings, load_per_image
from analysis.read.cells import ResultsError
from analysis.read.frames import load_results
from analysis.report import write_report
from analysis.words import format_number
from pipeline.schemas.metrics import METRICS, NLL_500
from pipeline.settings import load_settings
from pipeline.stages import collect
from tests.pipeline.stages.conftest import (  # noqa: F401 (fixtures)
    RUNS,
    call,
    evaluated,
    evaluated_once,
    trained_once,
)

pytestmark = pytest.mark.timeout(300)


@pytest.mark.slow
def test_what_is_measured_is_what_the_report_shows(evaluated: Path) -> None:  # noqa: F811
    call(collect.main)
    results, judge = Path("results"), Path("judge/judge.json")
    rows = {run: json.loads((results / "runs" / run / "metrics.json").read_text()) for run in RUNS}

    loaded = load_results(results, judge)
    assert loaded.notes == ()
    for name in METRICS:
        measured = [rows[run][name] for run in loaded.runs["run"]]
        shown = [None if value != value else value for value in loaded.runs[name]]
        assert shown == pytest.approx(measured), name
    drawings, missing = load_drawings(results, loaded.runs)
    assert [drawing.run for drawing in drawings] == list(loaded.runs["run"])
    assert missing == []
    for metric in (METRICS["elbo"], NLL_500):
        assert load_per_image(results, loaded.runs, metric)[1] == []

    write_report(load_settings(), results, Path("reports"), judge)
    table = Path("reports/tables/comparison.md").read_text(encoding="utf-8")
    for run in RUNS:  # the only seed of its configuration
        assert format_number(rows[run]["elbo"]) in table
    figures = {path.stem for path in Path("reports/figures").iterdir()}
    assert {"training-curves", "reconstructions", "samples", "interpolations"} <= figures

    # A renamed column does not go unnoticed.
    renamed = (results / "metrics.csv").read_text().replace("latent_accuracy", "accuracy", 1)
    (results / "metrics.csv").write_text(renamed)
    with pytest.raises(ResultsError, match="must have the columns latent_accuracy"):
        load_results(results, judge)

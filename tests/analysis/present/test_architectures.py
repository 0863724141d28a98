"""Differences between architectures in many metrics."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis.estimate.intervals import difference_interval
from analysis.estimate.verdicts import Rule, compare_architectures
from analysis.present.architectures import (
    compare_metrics,
    metric_differences_frame,
    metric_differences_table,
)
from pipeline.schemas.metric import Metric
from pipeline.schemas.metrics import ACTIVE_UNITS, ELBO, KL, METRICS, RECONSTRUCTION
from tests.analysis.conftest import read_results

MakeResults = Callable[..., Path]
DISTANCE, BORDERS = METRICS["frechet_distance"], METRICS["grid_center_borders"]


def cells(folder: Path, *names: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Text and detail of each cell, by row and heading."""
    results = read_results(folder)
    compared = compare_metrics(results.runs, Rule(), [METRICS[name] for name in names])
    table = metric_differences_table(compared, results.protocol)
    return {
        (row[0].text, column.label): (cell.text, cell.detail)
        for row in table.rows
        for column, cell in zip(table.columns[1:], row[1:], strict=True)
    }


def test_rows_are_metrics_and_columns_are_sizes(results_folder: Path) -> None:
    found = cells(results_folder, "elbo", "reconstruction", "kl")
    assert list(found) == [
        (label, f"{size} dimensions")
        for label in ("ELBO ↑", "Reconstruction ↓", "KL")
        for size in (2, 10)
    ]
    text, detail = found["ELBO ↑", "2 dimensions"]
    expected = difference_interval([-155.5, -154.5], [-160.5, -159.5], 0.95)
    assert text == "+5.00 better"
    assert detail == f"[+{expected.low:.2f},\N{NO-BREAK SPACE}+{expected.high:.2f}]"
    assert found["ELBO ↑", "10 dimensions"][0] == "+0.25 not distinguishable"
    # What is lower is better in: five nats less are better, a quarter of a nat is nothing.
    assert found["Reconstruction ↓", "2 dimensions"][0] == "−5.00 better"
    assert found["Reconstruction ↓", "10 dimensions"][0] == "−0.25 not distinguishable"


def test_a_number_without_a_better_direction_is_higher_or_lower(make_results: MakeResults) -> None:
    runs = read_results(make_results(seeds=[0, 1, 2])).runs
    shift = np.where(runs["architecture"] == "conv", 3.0, 0.0) * np.where(
        runs["latent_dim"] == 2, 1, -1
    )
    changed = runs.assign(kl=shift + 0.01 * runs["seed"])
    words = [
        item.comparison.verdict for item in compare_metrics(changed, Rule(), [KL, ACTIVE_UNITS])
    ]
    assert words == ["higher", "lower", "not distinguishable", "not distinguishable"]


def test_rounding_never_hides_a_verdict(make_results: MakeResults) -> None:
    results = read_results(make_results(seeds=[0, 1, 2]))
    runs = results.runs
    small = np.where(runs["architecture"] == "conv", 0.003, 0.0) + 1e-4 * runs["seed"]
    compared = compare_metrics(runs.assign(elbo=small), Rule(), [ELBO])
    cell = metric_differences_table(compared, results.protocol).rows[0][1]
    assert cell.text == "+0.003 better"
    assert cell.detail == "[+0.003,\N{NO-BREAK SPACE}+0.003]"


def test_plane_metrics_are_compared_only_at_two_dimensions(results_folder: Path) -> None:
    found = cells(results_folder, "grid_center_borders", "elbo")
    assert found["Neighbours of the central class", "2 dimensions"] == (
        "0.0 not distinguishable",
        "",
    )
    assert found["Neighbours of the central class", "10 dimensions"][0] == "–"


def test_one_seed_has_no_verdict(make_results: MakeResults) -> None:
    found = cells(make_results(seeds=[0]), "elbo", "reconstruction")
    assert found["ELBO ↑", "2 dimensions"] == ("+5.00 one seed", "")
    assert not any("nan" in text + detail for text, detail in found.values())


def test_betas_are_not_compared_with_each_other(make_results: MakeResults) -> None:
    results = read_results(make_results(betas=[1, 4]))
    compared = compare_metrics(results.runs, Rule(), [ELBO, RECONSTRUCTION])
    frame = metric_differences_frame(compared)
    assert frame.groupby(["metric", "latent_dim", "beta"]).size().tolist() == [1] * 8
    table = metric_differences_table(compared, results.protocol)
    assert [len(row) for row in table.rows] == [3, 3], "the table is of one beta"


def test_there_is_one_row_per_pair(make_results: MakeResults) -> None:
    results = read_results(make_results(architectures=["linear", "conv", "other"]))
    table = metric_differences_table(
        compare_metrics(results.runs, Rule(), [ELBO]), results.protocol
    )
    assert [row[1].text for row in table.rows] == [
        "conv against linear",
        "other against linear",
        "other against conv",
    ]


def test_the_frame_contains_the_numbers(results_folder: Path) -> None:
    runs = read_results(results_folder).runs
    row = metric_differences_frame(compare_metrics(runs, Rule(), [DISTANCE, BORDERS])).iloc[0]
    assert row["metric"] == "frechet_distance"
    assert (row["difference_mean"], row["verdict"]) == (0.0, "not distinguishable")
    assert (row["latent_dim"], row["seeds_subject"], row["seeds_reference"]) == (2, 2, 2)


def test_one_architecture_has_no_differences(make_results: MakeResults) -> None:
    runs = read_results(make_results(architectures=["conv"])).runs
    assert compare_metrics(runs, Rule(), [ELBO]) == []


@pytest.mark.parametrize("metric", [ELBO, RECONSTRUCTION, KL, DISTANCE])
def test_each_metric_is_a_family_of_its_own(results_folder: Path, metric: Metric) -> None:
    runs = read_results(results_folder).runs
    alone = compare_metrics(runs, Rule(), [metric])
    assert [one.comparison for one in alone] == compare_architectures(runs, Rule(), metric)
    among = compare_metrics(runs, Rule(), [ELBO, metric, KL])
    assert alone[0] in among

"""Tables: formatted numbers, marks and flags."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from analysis.estimate.intervals import summarise
from analysis.estimate.verdicts import Rule, compare_architectures
from analysis.present.tables import (
    Cell,
    Table,
    comparison_table,
    differences_frame,
    differences_table,
    group_tables,
)
from analysis.present.writers import to_latex, to_markdown
from pipeline.schemas.metric import Group
from tests.analysis.conftest import read_results

MakeResults = Callable[..., Path]


def table_of(folder: Path) -> Table:
    results = read_results(folder)
    return comparison_table(summarise(results.runs, 0.95), results.protocol)


def column(table: Table, label: str) -> list[Cell]:
    place = [heading.label for heading in table.columns].index(label)
    return [row[place] for row in table.rows]


def test_the_best_means_are_marked(results_folder: Path) -> None:
    table = table_of(results_folder)
    assert [cell.best for cell in column(table, "ELBO")] == [False, False, False, True]
    assert sum(cell.best for cell in column(table, "Reconstruction")) == 1
    assert not any(cell.best for cell in column(table, "KL"))
    assert column(table, "ELBO")[0].text == "−160.00"
    assert column(table, "Parameters")[0].text == "2,006"
    assert [cell.text for cell in column(table, "Active units")][:2] == ["2 of 2", "6.5 of 10"]


def test_headings_have_unit_and_direction(results_folder: Path) -> None:
    texts = [heading.text for heading in table_of(results_folder).columns]
    assert texts[1:3] == ["ELBO ↑ (nats per image)", "Reconstruction ↓ (nats per image)"]


def test_collapsed_runs_are_flagged(make_results: MakeResults) -> None:
    table = table_of(make_results(collapsed=["conv-10/seed-1"]))
    assert [cell.flag for cell in column(table, "Model")] == ["", "", "", "1 of 2 collapsed"]
    assert "(1 of 2 collapsed)" in to_markdown(table)
    assert "(1 of 2 collapsed)" in to_latex(table)


def test_one_seed_shows_a_dash(make_results: MakeResults) -> None:
    table = table_of(make_results(seeds=[0]))
    assert {cell.detail for cell in column(table, "ELBO")} == {"–"}


def test_grey_pixels_are_no_likelihood(make_results: MakeResults) -> None:
    table = table_of(make_results(protocol={"binarisation": "none"}))
    assert "cross-entropy, not a likelihood" in table.columns[1].unit
    assert "cross-entropy" not in table.columns[3].unit


def groups_of(folder: Path) -> dict[Group, Table]:
    results = read_results(folder)
    return group_tables(summarise(results.runs, 0.95), results.protocol, (), results.judge)


def with_metrics(folder: Path, **columns: list[float | None]) -> Path:
    """More columns for the eight runs: linear-2, linear-10, conv-2, conv-10, two seeds each."""
    frame = pd.read_csv(folder / "metrics.csv")
    frame.assign(**columns).to_csv(folder / "metrics.csv", index=False)
    return folder


def test_a_missing_metric_is_a_dash(make_results: MakeResults) -> None:
    folder = with_metrics(
        make_results(),
        grid_continuity=[0.25, 0.35, None, None, 0.2, 0.2, None, None],
        ais_nll=[None] * 8,
    )
    assert "ais_nll_mean" not in summarise(read_results(folder).runs, 0.95)
    table = groups_of(folder)["paths"]
    assert [cell.text for cell in column(table, "Grid continuity")] == ["0.300", "–", "0.200", "–"]
    assert [bool(cell.detail) for cell in column(table, "Grid continuity")] == [True] + [False] * 3
    for write in (to_markdown, to_latex):
        assert "nan" not in write(table)


def test_the_best_is_chosen_among_those_that_have_the_metric(make_results: MakeResults) -> None:
    folder = make_results()
    results = read_results(folder)
    runs = results.runs.assign(nll_500=[90.0, 90.0, None, None, 80.0, 80.0, None, None])
    table = comparison_table(summarise(runs, 0.95), results.protocol)
    assert [cell.best for cell in column(table, "NLL, K = 500")] == [False, False, True, False]


def test_an_estimators_error_has_no_interval_over_seeds(make_results: MakeResults) -> None:
    folder = with_metrics(make_results(), elbo_mc_error=[0.03, 0.05] * 4)
    errors = column(groups_of(folder)["bound"], "Monte Carlo error")
    assert {(cell.text, cell.detail) for cell in errors} == {("0.040", "")}


def test_the_comparison_shows_the_main_metrics_and_groups_all(make_results: MakeResults) -> None:
    folder = with_metrics(make_results(), nll_50=[90.0] * 8, elbo_mc_error=[None] * 8)
    labels = [heading.label for heading in table_of(folder).columns]
    assert "NLL, K = 500" in labels
    assert not {"NLL, K = 50", "Contrast"} & set(labels)
    groups = groups_of(folder)
    assert list(groups) == ["likelihood", "latent", "images", "judge", "paths"]
    found = [heading.label for heading in groups["likelihood"].columns]
    assert found[:3] == ["Model", "NLL, K = 50", "NLL, K = 500"]
    assert column(groups["likelihood"], "NLL, K = 50")[0].text == "90.00"


def test_results_without_a_likelihood_have_no_table_of_its_estimates(
    make_results: MakeResults,
) -> None:
    groups = groups_of(make_results(protocol={"binarisation": "none"}))
    assert list(groups) == ["bound", "latent", "images", "judge", "paths"]
    assert column(groups["paths"], "Class at the origin")[0].text == "8, 9"


def test_real_images_end_the_judges_table(results_folder: Path) -> None:
    table = groups_of(results_folder)["judge"]
    assert [cell.text for cell in column(table, "Model")][-1] == "real images"
    assert column(table, "Fréchet distance")[-1].text == "0.59"
    assert column(table, "Low confidence")[-1].text == "0.050", "by definition"


def test_classes_have_their_names(make_results: MakeResults) -> None:
    results = read_results(make_results(seeds=[0, 1, 2], latent_dims=[2]))
    runs = results.runs.assign(grid_center_class=[9.0, 3.0, 9.0, 3.0, 3.0, None])
    names = ["a", "b", "c", "Ankle boot"]
    groups = group_tables(summarise(runs, 0.95), results.protocol, names, results.judge)
    table = groups["paths"]
    cells = column(table, "Class at the origin")
    assert [cell.text for cell in cells] == ["9 (2), Ankle boot", "Ankle boot (2)"]
    assert not any(cell.best or cell.detail for cell in cells)


def test_differences(results_folder: Path) -> None:
    results = read_results(results_folder)
    comparisons = compare_architectures(results.runs, Rule())
    table = differences_table(comparisons, results.protocol)
    assert [cell.text for cell in column(table, "Verdict")] == ["better", "not distinguishable"]
    assert [cell.text for cell in column(table, "ELBO difference")] == ["+5.00", "+0.25"]
    assert [cell.text for cell in column(table, "Probability of improvement")] == ["1.00", "0.75"]
    assert [cell.text for cell in column(table, "Interval over images")] == ["–", "–"]
    frame = differences_frame(comparisons)
    assert frame["difference_mean"].tolist() == [5.0, 0.25]
    assert {"over_images_low", "over_images_high", "improvement"} <= set(frame.columns)
    assert frame["word"].tolist() == ["better", "not distinguishable"]

"""The section on the comparison: its exhibits and what their captions must mention."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, ReportSection, TableExhibit
from analysis.present.style import theme
from analysis.sections import comparison
from analysis.sections.comparison import (
    CHOSEN,
    chosen_metrics,
    metric_differences_exhibit,
    multiples_exhibit,
    references,
    tradeoffs_exhibit,
)
from pipeline.schemas.metrics import METRICS
from tests.analysis.sections.given import found_in, set_columns

MakeResults = Callable[..., Path]
NBSP = "\N{NO-BREAK SPACE}"


def built(found: Findings) -> ReportSection:
    with theme():
        return comparison.section(found)


def test_chosen_metrics_cover_every_group() -> None:
    assert set(CHOSEN) <= set(METRICS)
    assert {METRICS[name].group for name in CHOSEN} == {m.group for m in METRICS.values()}


def test_only_available_metrics_are_shown(make_results: MakeResults) -> None:
    folder = make_results()
    names = [metric.name for metric in chosen_metrics(found_in(folder).results.runs)]
    assert names == list(CHOSEN)
    set_columns(folder, path_plausibility=None)
    names = [metric.name for metric in chosen_metrics(found_in(folder).results.runs)]
    assert names == list(CHOSEN[:-1])


def test_the_order_of_the_section(results_folder: Path) -> None:
    section = built(found_in(results_folder))
    names = [(type(part).__name__, part.name) for part in section.parts]
    assert names == [
        ("Exhibit", "latent-size"),
        ("Exhibit", "metrics-by-size"),
        ("Exhibit", "differences"),
        ("TableExhibit", "differences"),
        ("TableExhibit", "differences-by-metric"),
        ("Exhibit", "tradeoffs"),
        ("TableExhibit", "comparison"),
    ]
    folded = [part.name for part in section.parts if isinstance(part, TableExhibit) and part.folded]
    assert folded == ["differences", "differences-by-metric", "comparison"]
    assert section.notes == ()


def test_reference_levels(make_results: MakeResults) -> None:
    folder = make_results()
    set_columns(folder, mutual_information_ceiling=6.2)
    known = references(found_in(folder).results)
    assert known["frechet_distance"] == 0.59
    assert known["confidence"] == 0.987
    assert known["mutual_information"] == 6.2
    assert known["sharpness"] == 1.0


def test_the_caption_of_the_multiples_is_complete(results_folder: Path) -> None:
    with theme():
        exhibit = multiples_exhibit(found_in(results_folder))
    for words in (
        "16 metrics on the test split",
        f"over 2 seeds with 95{NBSP}% intervals (Student's t)",
        "nats are per image",
        "which direction is better",
        "not corrected for multiple comparisons",
        "Dotted lines are the scores of real images and the ceiling of the mutual information",
    ):
        assert words in exhibit.caption
    assert "ELBO conv-10 −111.75" in exhibit.alt
    assert "Fréchet distance linear-10 2.50" in exhibit.alt
    assert "KL linear" not in exhibit.alt, "it has no best"


def test_only_one_of_several_betas_is_shown(make_results: MakeResults) -> None:
    found = found_in(make_results(betas=[1, 4]))
    with theme():
        exhibit = multiples_exhibit(found)
    assert f"on the test split, at β{NBSP}={NBSP}1," in exhibit.caption
    assert len(exhibit.figure.legends[0].get_texts()) == 3, "two architectures and a reference"
    table = metric_differences_exhibit(found)
    assert table is not None
    assert table.frame is not None
    assert set(table.frame["beta"]) == {1, 4}
    assert f"At β{NBSP}={NBSP}1; the CSV file" in table.caption


def test_differences_in_all_metrics_and_their_number(results_folder: Path) -> None:
    exhibit = metric_differences_exhibit(found_in(results_folder))
    assert exhibit is not None
    assert len(exhibit.table.rows) == len(CHOSEN)
    assert "Conv against linear: the first minus the second" in exhibit.caption
    assert "no interval over images" in exhibit.caption
    assert "Holm's correction over the latent sizes of one metric" in exhibit.caption
    assert "equivalent if the interval lies within ±0.5 nats" in exhibit.caption
    assert exhibit.frame is not None
    assert len(exhibit.frame) == 2 * len(CHOSEN)


def test_a_single_architecture_is_noted(make_results: MakeResults) -> None:
    section = built(found_in(make_results(architectures=["conv"])))
    assert "only one architecture" in section.notes[0]
    assert "differences-by-metric" not in [part.name for part in section.parts]


def test_a_single_seed_is_mentioned(make_results: MakeResults) -> None:
    exhibit = metric_differences_exhibit(found_in(make_results(seeds=[0])))
    assert exhibit is not None
    assert "no interval and no verdict" in exhibit.caption


def test_the_caption_lists_the_optimal_models(results_folder: Path) -> None:
    with theme():
        exhibit = tradeoffs_exhibit(found_in(results_folder))
    assert isinstance(exhibit, Exhibit)
    # conv-2 has two parameters less than linear-2, and all take as long.
    assert "in parameters: conv-2 and conv-10; in training time: conv-10." in exhibit.caption
    assert "cpu with 1 thread" in exhibit.caption
    assert "absolute seconds are not" in exhibit.caption
    assert "conv-10 −111.75 with 10,004 parameters in 10.5 seconds" in exhibit.alt


def test_tradeoffs_need_two_models_and_a_time(make_results: MakeResults) -> None:
    folder = make_results(architectures=["conv"], latent_dims=[2])
    assert tradeoffs_exhibit(found_in(folder)) is None
    frame = pd.read_csv(folder / "metrics.csv")
    other = frame.assign(
        architecture="linear", run=frame["run"].str.replace("conv", "linear"), train_seconds=0.0
    )
    pd.concat([frame, other]).to_csv(folder / "metrics.csv", index=False)
    assert tradeoffs_exhibit(found_in(folder)) is None, "no logarithm of no time"


def test_the_comparison_table_has_all_columns(results_folder: Path) -> None:
    table = next(
        part
        for part in built(found_in(results_folder)).parts
        if isinstance(part, TableExhibit) and part.name == "comparison"
    )
    labels = [column.label for column in table.table.columns]
    assert labels[-3:] == ["Parameters", "Training", "Seeds"]
    assert table.frame is not None
    assert "frechet_distance_mean" in table.frame

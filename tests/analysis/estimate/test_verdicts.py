"""Differences and verdicts."""

import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.estimate.bootstrap import ImageBootstrap
from analysis.estimate.intervals import Interval, difference_interval
from analysis.estimate.significance import holm, welch_p
from analysis.estimate.verdicts import Rule, compare_architectures, compare_sizes, decide
from analysis.read.arrays import load_per_image
from pipeline.schemas.metric import Metric
from pipeline.schemas.metrics import ELBO, KL, RECONSTRUCTION
from tests.analysis.conftest import read_results

MakeResults = Callable[..., Path]


@pytest.mark.parametrize(
    ("metric", "low", "high", "p", "word"),
    [
        (ELBO, 0.1, 2.1, 0.04, "better"),
        (ELBO, -2.1, -0.1, 0.04, "worse"),
        (ELBO, 0.1, 2.1, 0.05, "borderline"),
        (ELBO, -2.1, -0.1, 0.12, "borderline"),
        (ELBO, 0.1, 0.4, 0.04, "better"),  # within the margin, but certainly there
        (ELBO, -0.1, 2.1, 0.1, "not distinguishable"),
        (ELBO, 0.0, 2.0, 0.05, "not distinguishable"),
        (ELBO, -0.5, 0.5, 1.0, "equivalent"),
        (ELBO, -0.5, 0.51, 1.0, "not distinguishable"),
        (RECONSTRUCTION, 0.1, 2.1, 0.04, "worse"),
        (RECONSTRUCTION, -2.1, -0.1, 0.04, "better"),
        (RECONSTRUCTION, -0.1, 0.2, 0.6, "equivalent"),
        (KL, 0.1, 2.1, 0.04, "higher"),
        (KL, -2.1, -0.1, 0.04, "lower"),
        (KL, -0.1, 0.1, 1.0, "not distinguishable"),  # it is no likelihood
        (ELBO, math.nan, math.nan, math.nan, "unknown"),
    ],
)
def test_a_verdict(metric: Metric, low: float, high: float, p: float, word: str) -> None:
    difference = Interval((low + high) / 2, low, high)
    assert decide(difference, p, metric, Rule(0.95, margin=0.5)) == word


def test_without_a_margin_nothing_is_equivalent() -> None:
    assert decide(Interval(0, 0, 0), 1.0, ELBO, Rule(0.95, margin=0)) == "equivalent", "exactly"
    assert decide(Interval(0, -0.1, 0.1), 1.0, ELBO, Rule(0.95, margin=0)) == "not distinguishable"


def test_p_values_are_corrected_over_the_family(make_results: MakeResults) -> None:
    runs = read_results(make_results(latent_dims=[2, 3, 5, 10], seeds=[0, 1, 2])).runs
    found = compare_architectures(runs, Rule())
    plain = [
        welch_p(
            runs[runs["model"] == one.subject]["elbo"].tolist(),
            runs[runs["model"] == one.reference]["elbo"].tolist(),
        )
        for one in found
    ]
    assert [one.p_holm for one in found] == holm(plain)
    assert found[0].p_holm == 4 * plain[0] < 0.05, "the smallest of four"


def test_architectures_are_compared_at_equal_size(results_folder: Path) -> None:
    runs = read_results(results_folder).runs
    first, second = compare_architectures(runs, Rule())
    assert (first.subject, first.reference, first.verdict) == ("conv-2", "linear-2", "better")
    assert (second.subject, second.setting) == ("conv-10", "10 dimensions")
    assert second.verdict == "not distinguishable"
    assert first.difference == difference_interval([-155.5, -154.5], [-160.5, -159.5], 0.95)
    assert first.seeds == (2, 2)


def test_a_comparison_has_both_intervals_and_the_probability(results_folder: Path) -> None:
    runs = read_results(results_folder).runs
    values, _ = load_per_image(results_folder, runs)
    with_images = compare_architectures(runs, Rule(), images=ImageBootstrap(values))
    first, second = with_images
    assert first.over_images.mean == pytest.approx(first.difference.mean)
    # Hard images are hard for both: far narrower than the 40 nats between images.
    assert 4.9 < first.over_images.low < 5 < first.over_images.high < 5.1
    assert (first.improvement, second.improvement) == (1, 0.75)
    without = compare_architectures(runs, Rule())
    assert not without[0].over_images.is_known
    assert [c.verdict for c in without] == [c.verdict for c in with_images]


def test_sizes_are_compared_stepwise_and_10_against_2_first(make_results: MakeResults) -> None:
    runs = read_results(make_results(architectures=["linear"], latent_dims=[2, 5, 10])).runs
    changes = [comparison.change for comparison in compare_sizes(runs, Rule())]
    assert changes == ["10 against 2", "5 against 2", "10 against 5"]


def test_sizes_without_2_and_10(make_results: MakeResults) -> None:
    runs = read_results(make_results(latent_dims=[3, 7])).runs
    assert {comparison.change for comparison in compare_sizes(runs, Rule())} == {"7 against 3"}


def test_betas_are_never_mixed(make_results: MakeResults) -> None:
    runs = read_results(make_results(betas=[1, 4])).runs
    for comparison in (*compare_architectures(runs, Rule()), *compare_sizes(runs, Rule())):
        assert comparison.subject.split("(")[1] == comparison.reference.split("(")[1]
    assert len(compare_architectures(runs, Rule())) == 4


def test_collapsed_runs_are_counted(make_results: MakeResults) -> None:
    runs = read_results(make_results(collapsed=["conv-10/seed-1"])).runs
    touched = [c for c in compare_architectures(runs, Rule()) if c.collapsed]
    assert [comparison.subject for comparison in touched] == ["conv-10"]


def test_nothing_to_compare() -> None:
    assert (
        compare_sizes(pd.DataFrame({"architecture": [], "beta": [], "latent_dim": []}), Rule())
        == []
    )

"""Formatting of numbers, names and protocols."""

import math

import pytest

from analysis.estimate.intervals import Interval
from analysis.present.intervals import format_estimate, format_interval
from analysis.words import (
    CAVEAT,
    axis_title,
    format_active_units,
    format_number,
    format_percent,
    format_range,
    join_and,
    likelihood_caveat,
    likelihood_label,
    metric_unit,
    pluralise,
)
from pipeline.schemas.metrics import ACTIVE_UNITS, ELBO, KL, METRICS
from pipeline.schemas.protocol import Protocol

BINARISED = Protocol("mnist", "test", "ab", "bernoulli", "dynamic", "last", "float32")
GREY = Protocol("mnist", "test", "ab", "bernoulli", "none", "last", "float32")


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (-111.904, False, "−111.90"),
        (3.5, True, "+3.50"),
        (-0.001, True, "0.00"),
        (12345.678, False, "12,345.68"),
        (math.nan, True, "–"),
    ],
)
def test_number(value: float, signed: bool, text: str) -> None:
    assert format_number(value, signed=signed) == text


def test_intervals() -> None:
    known, unknown = Interval(1.0, -1.0, 3.0), Interval(1.0, math.nan, math.nan)
    assert format_interval(known) == "[−1.00,\N{NO-BREAK SPACE}3.00]"
    assert format_estimate(known, 0, signed=True) == "+1 [−1,\N{NO-BREAK SPACE}+3]"
    assert format_interval(unknown) == "–"
    assert format_estimate(unknown) == "1.00"


def test_amounts() -> None:
    assert pluralise(1, "seed") == "1 seed"
    assert pluralise(1200, "image") == "1,200 images"
    assert format_range([3, 3], "seed") == "3 seeds"
    assert format_range([3, 2], "seed") == "2 to 3 seeds"
    assert format_percent(0.95) == "95\N{NO-BREAK SPACE}%"
    assert join_and(["a", "b", "c"]) == "a, b and c"
    assert format_active_units(2.0, 2) == "2 of 2"
    assert format_active_units(15.666, 20) == "15.7 of 20"


def test_bernoulli_on_grey_pixels_has_a_caveat() -> None:
    assert likelihood_caveat(ELBO, GREY) == CAVEAT == "cross-entropy, not a likelihood"
    assert (
        likelihood_caveat(ELBO, BINARISED)
        == likelihood_caveat(KL, GREY)
        == likelihood_caveat(ACTIVE_UNITS, GREY)
        == ""
    )
    assert CAVEAT in metric_unit(ELBO, GREY)
    assert CAVEAT in axis_title(ELBO, GREY)
    assert CAVEAT in likelihood_label(GREY)
    assert likelihood_label(BINARISED) == "bernoulli"
    assert metric_unit(ELBO, BINARISED) == "nats per image"
    assert axis_title(KL, GREY) == "KL"


def test_only_likelihood_metrics_have_the_caveat() -> None:
    marked = {metric.name for metric in METRICS.values() if likelihood_caveat(metric, GREY)}
    assert marked == {
        "elbo",
        "reconstruction",
        "elbo_mc_error",
        *(name for name in METRICS if "nll" in name and name != "nll_5000_images"),
        "ais_gap",
    }
    assert not any(likelihood_caveat(metric, BINARISED) for metric in METRICS.values())

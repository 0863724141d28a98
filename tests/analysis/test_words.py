"""The wording of numbers."""

import math

import pytest

from analysis.estimate.intervals import Interval
from analysis.present.intervals import brackets, estimate
from analysis.words import (
    CAVEAT,
    active,
    axis_title,
    caveat,
    counted,
    likelihood_label,
    listing,
    metric_unit,
    number,
    percent,
    span,
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
    assert number(value, signed=signed) == text


def test_intervals() -> None:
    known, unknown = Interval(1.0, -1.0, 3.0), Interval(1.0, math.nan, math.nan)
    assert brackets(known) == "[−1.00,\N{NO-BREAK SPACE}3.00]"
    assert estimate(known, 0, signed=True) == "+1 [−1,\N{NO-BREAK SPACE}+3]"
    assert brackets(unknown) == "–"
    assert estimate(unknown) == "1.00"


def test_amounts() -> None:
    assert counted(1, "seed") == "1 seed"
    assert counted(1200, "image") == "1,200 images"
    assert span([3, 3], "seed") == "3 seeds"
    assert span([3, 2], "seed") == "2 to 3 seeds"
    assert percent(0.95) == "95\N{NO-BREAK SPACE}%"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert active(2.0, 2) == "2 of 2"
    assert active(15.666, 20) == "15.7 of 20"


def test_a_bernoulli_on_grey_pixels_is_called_what_it_is() -> None:
    assert caveat(ELBO, GREY) == CAVEAT == "cross-entropy, not a likelihood"
    assert caveat(ELBO, BINARISED) == caveat(KL, GREY) == caveat(ACTIVE_UNITS, GREY) == ""
    assert CAVEAT in metric_unit(ELBO, GREY)
    assert CAVEAT in axis_title(ELBO, GREY)
    assert CAVEAT in likelihood_label(GREY)
    assert likelihood_label(BINARISED) == "bernoulli"
    assert metric_unit(ELBO, BINARISED) == "nats per image"
    assert axis_title(KL, GREY) == "KL"


def test_only_what_is_made_of_the_likelihood_has_its_caveat() -> None:
    marked = {metric.name for metric in METRICS.values() if caveat(metric, GREY)}
    assert marked == {
        "elbo",
        "reconstruction",
        "elbo_mc_error",
        *(name for name in METRICS if "nll" in name and name != "nll_5000_images"),
        "ais_gap",
    }
    assert not any(caveat(metric, BINARISED) for metric in METRICS.values())

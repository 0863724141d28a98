"""Searched dimensions and their values as people read them."""

import math

import pytest

from analysis.read.space import SpaceDimension, declared, plain, readable, shown
from pipeline.settings.space import FloatRange, IntRange


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123456, "0.0123"),
        (302.0, "302"),
        (2, "2"),
        ("conv", "conv"),
        ("", "–"),
        (math.nan, "–"),
        (3e-05, "3e-05"),
    ],
)
def test_values(value: float | str, text: str) -> None:
    assert shown(value) == text


def test_choices_are_the_same_with_and_without_a_point() -> None:
    assert plain(24) == plain(24.0) == plain("24.0") == "24"
    assert plain(0.5) == "0.5"
    assert plain("silu") == "silu"
    assert plain("") == ""
    assert plain(None) == "none"
    assert plain("[400, 200]") == "400, 200"
    assert plain("[]") == "none"
    assert plain("[broken") == "[broken"


def test_whole_numbers_are_one_apart_without_saying_so() -> None:
    ranges = [
        IntRange(name="latent_dim", kind="int", low=2, high=8),
        IntRange(name="latent_dim", kind="int", low=2, high=8, step=2),
        FloatRange(name="beta", kind="float", low=1.0, high=3.0, step=1.0),
    ]
    assert [one.allowed for one in declared(ranges)] == [
        "2 to 8",
        "2 to 8 in steps of 2",
        "1 to 3 in steps of 1",
    ]


def test_names_are_readable() -> None:
    assert readable("learning_rate") == "Learning rate"
    assert readable("latent_dim") == "Latent size"
    one = SpaceDimension("width", True, when=(("architecture", "linear"), ("batch_size", "128")))
    assert one.condition == "architecture linear, batch size 128"
    assert SpaceDimension("beta", True, low=0.25, high=4.0).allowed == "0.25 to 4"
    assert SpaceDimension("beta", True, low=0, high=4, step=0.5).allowed == "0 to 4 in steps of 0.5"
    assert SpaceDimension("channels", False, choices=("16", "24")).allowed == "16, 24"
    assert SpaceDimension("hidden", False, choices=("400, 200", "400")).allowed == "400, 200; 400"

"""Searched dimensions and their values as people read them."""

import math

import pytest

from analysis.read.space import SpaceDimension, plain, readable, shown


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


def test_names_are_readable() -> None:
    assert readable("learning_rate") == "Learning rate"
    assert readable("latent_dim") == "Latent size"
    one = SpaceDimension("width", True, when=(("architecture", "linear"), ("batch_size", "128")))
    assert one.condition == "architecture linear, batch size 128"
    assert SpaceDimension("beta", True, low=0.25, high=4.0).allowed == "0.25 to 4"
    assert SpaceDimension("channels", False, choices=("16", "24")).allowed == "16, 24"

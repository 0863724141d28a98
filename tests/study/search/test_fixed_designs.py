"""Points that are fixed before a search starts."""

from collections import Counter
from typing import Any

from pydantic import TypeAdapter

from pipeline.settings.space import Dimension
from study.search.fixed_designs import grid, sobol_point


def space(*dimensions: dict[str, Any]) -> tuple[Dimension, ...]:
    return TypeAdapter(tuple[Dimension, ...]).validate_python(dimensions, strict=False)


CHOICES = space(
    {"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"]},
    {"name": "latent_dim", "kind": "int", "low": 2, "high": 4},
    {
        "name": "channels",
        "kind": "categorical",
        "choices": [8, 16],
        "when": {"architecture": "conv"},
    },
)


def test_a_grid_contains_each_point_once_and_respects_conditions() -> None:
    points = grid(CHOICES, seed=0)
    assert len(points) == 3 + 3 * 2
    assert len({tuple(sorted(point.items())) for point in points}) == len(points)
    assert all(("channels" in point) == (point["architecture"] == "conv") for point in points)
    assert grid(CHOICES, seed=0) == points
    assert grid(CHOICES, seed=1) != points


def test_sobol_points_are_spread_evenly() -> None:
    dimensions = space(
        {"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"]},
        {"name": "latent_dim", "kind": "int", "low": 2, "high": 5},
        {"name": "beta", "kind": "float", "low": 0.25, "high": 4.0, "log": True},
        {"name": "width", "kind": "int", "low": 8, "high": 64, "when": {"architecture": "linear"}},
    )
    points = [sobol_point(dimensions, number, 3, {}) for number in range(64)]
    assert Counter(point["architecture"] for point in points) == {"linear": 32, "conv": 32}
    assert Counter(point["latent_dim"] for point in points) == dict.fromkeys(range(2, 6), 16)
    betas = [float(point["beta"]) for point in points]
    assert 0.25 <= min(betas) < max(betas) <= 4.0
    assert sum(beta < 1 for beta in betas) == 32  # half of the logarithmic range
    assert all(("width" in point) == (point["architecture"] == "linear") for point in points)
    assert sobol_point(dimensions, 5, 3, {}) == points[5]
    assert sobol_point(dimensions, 5, 4, {}) != points[5]


STEPS = space(
    {"name": "latent_dim", "kind": "int", "low": 2, "high": 8, "step": 3},
    {"name": "beta", "kind": "float", "low": 0.1, "high": 0.5, "step": 0.1},
    {"name": "hidden", "kind": "categorical", "choices": [[8], [16, 8]]},
)


def test_a_grid_contains_each_step() -> None:
    points = grid(STEPS, seed=0)
    assert {point["latent_dim"] for point in points} == {2, 5, 8}
    assert {point["beta"] for point in points} == {0.1, 0.2, 0.3, 0.4, 0.5}
    assert {point["hidden"] for point in points} == {"[8]", "[16, 8]"}
    assert len(points) == 3 * 5 * 2


def test_sobol_points_are_on_steps_and_keep_what_is_given() -> None:
    points = [sobol_point(STEPS, number, 0, {"hidden": "[8]"}) for number in range(60)]
    assert {point["hidden"] for point in points} == {"[8]"}
    counts = Counter(point["beta"] for point in points)
    assert set(counts) == {0.1, 0.2, 0.3, 0.4, 0.5}
    assert min(counts.values()) >= 10

"""From a trial's values to a run and back, and how many points there are."""

import math
from typing import Any

import pytest

from pipeline.settings import RunSettings, SettingsError, parse_settings
from pipeline.settings.data import SIDE
from pipeline.settings.sizes import largest_runs, model_size
from pipeline.settings.space import Dimension
from pipeline.settings.space_rules import size
from study.search.first import base_of
from study.search.fixed_designs import grid
from study.search.space import MisfitError, from_run, to_run
from tests.conftest import MakeRun

SPACE: list[dict[str, Any]] = [
    {"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"]},
    {"name": "latent_dim", "kind": "int", "low": 2, "high": 8, "step": 3},
    {"name": "beta", "kind": "float", "low": 0.5, "high": 1.0, "step": 0.25},
    {"name": "clip_norm", "kind": "categorical", "choices": [None, 5.0]},
    {"name": "scale", "kind": "categorical", "choices": ["learned", 0.1]},
    {
        "name": "hidden",
        "kind": "categorical",
        "choices": [[8], [16, 8], []],
        "when": {"architecture": "linear"},
    },
    {"name": "channels", "kind": "int", "low": 4, "high": 5, "when": {"architecture": "conv"}},
    {"name": "blocks", "kind": "int", "low": 1, "high": 2, "when": {"architecture": "conv"}},
]


@pytest.fixture
def space(tiny_params: dict[str, Any]) -> tuple[Dimension, ...]:
    tiny_params["search"] |= {"space": SPACE, "first": []}
    return parse_settings(tiny_params).search.space


def test_every_point_describes_one_run_and_is_described_by_it(
    space: tuple[Dimension, ...], make_run: MakeRun
) -> None:
    base = make_run()
    points = grid(space, seed=0)
    assert size(space) == len(points) == 3 * 3 * 2 * 2 * (3 + 2 * 2)
    for point in points:
        assert from_run(to_run(point, base, 3, 9), space, base) == point


def test_lists_and_numbers_that_describe_lists(make_run: MakeRun) -> None:
    base = make_run(hidden=(400, 200), channels=(4, 8), conv_hidden=(7,))

    def run(**chosen: Any) -> RunSettings:
        return to_run(chosen, base, 0, 5)

    assert run(hidden="[16, 8]").hidden == (16, 8)
    assert run(width=9).hidden == (9, 9)
    assert run(depth=3).hidden == (400, 400, 400)
    assert run(channels=3).channels == (3, 6)
    assert run(channels="[5]").channels == (5,)
    assert run(blocks=3).channels == (4, 8, 16)
    assert run(dense=64).conv_hidden == (64,)
    assert run(beta_warmup=9).beta_warmup == 5, "a warm-up may not outlast the run"


def test_the_largest_runs_of_a_space_are_those_of_its_largest_values(
    tiny_params: dict[str, Any],
) -> None:
    numbers = {"latent_dim": 8, "width": 32, "depth": 3, "channels": 6, "blocks": 4, "dense": 9}
    space = [
        {"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"]},
        {"name": "batch_size", "kind": "categorical", "choices": [16, 64, 32]},
        *({"name": name, "kind": "int", "low": 1, "high": high} for name, high in numbers.items()),
    ]
    tiny_params["search"] |= {"space": space, "first": []}
    settings = parse_settings(tiny_params)
    base = base_of(settings)
    largest = list(largest_runs(settings.search.space, base))
    assert [run.architecture for run in largest] == ["linear", "conv"]
    for run in largest:
        whole = to_run(
            numbers | {"architecture": run.architecture, "batch_size": 64}, base, base.seed, 2
        )
        ignored = {"conv_hidden", "channels"} if run.architecture == "linear" else {"hidden"}
        assert run.model_dump(exclude=ignored) == whole.model_dump(exclude=ignored)


@pytest.mark.timeout(30)
def test_points_are_counted_without_listing_them(tiny_params: dict[str, Any]) -> None:
    """Each of seven dimensions applies to one combination of ten choices."""
    several: dict[str, list[Any]] = {
        "architecture": ["linear", "conv"],
        "activation": ["silu", "relu", "tanh"],
        "schedule": ["one-cycle", "cosine", "constant"],
        "beta_warmup": [0, 1, 2],
        **{name: [1, 2, 3, 4, 5, 6, 7, 8] for name in ("latent_dim", "batch_size", "patience")},
        **{name: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0] for name in ("beta", "scale", "free_bits")},
    }
    space: list[dict[str, Any]] = [choice(name, choices) for name, choices in several.items()]
    others = ["width", "depth", "blocks", "dense", "learning_rate", "clip_norm", "checkpoint"]
    for place, name in enumerate(others):
        choices: list[Any] = ["last", "best"] if name == "checkpoint" else [1, 2]
        if name in ("learning_rate", "clip_norm"):
            choices = [0.25, 0.5]
        when = {one: values[place % len(values)] for one, values in several.items()}
        space.append(choice(name, choices) | {"when": when})
    tiny_params["search"] |= {"space": space, "first": [], "sampler": "grid"}
    points = math.prod(map(len, several.values())) + len(others)
    with pytest.raises(SettingsError, match=f"grid would have {points:,} trials"):
        parse_settings(tiny_params)


def choice(name: str, choices: list[Any]) -> dict[str, Any]:
    return {"name": name, "kind": "categorical", "choices": choices}


def test_lists_of_widths_are_not_combined_to_find_the_largest_model(
    tiny_params: dict[str, Any],
) -> None:
    channels = [[200, 1], [1, 50], [5, 30], *([2, n] for n in range(1, 9))]
    dense = [[], [900], [90, 900], [30, 30, 900], *([n, 800 - n] for n in range(1, 800))]
    space = [
        choice("architecture", ["conv"]),
        choice("channels", channels),
        choice("conv_hidden", dense),
    ]
    tiny_params["search"] |= {"space": space, "first": []}
    settings = parse_settings(tiny_params)
    base = base_of(settings)
    largest = list(largest_runs(settings.search.space, base))
    assert [list(run.channels) for run in largest] == channels
    for run in largest:
        others = (run.model_copy(update={"conv_hidden": tuple(one)}) for one in dense)
        assert _memory(run) == max(map(_memory, others))


def _memory(run: RunSettings) -> float:
    return model_size(run, SIDE, SIDE).training_memory(run.batch_size)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent_dim": 3}, "latent_dim = 3 is not 2 to 8 in steps of 3"),
        ({"clip_norm": 4.0}, "clip_norm = 4 is not null or 5"),
        ({"hidden": [9]}, r"hidden = \[9\] is not \[8\] or \[16, 8\] or \[\]"),
        ({"learning_rate": 0.5}, "learning_rate = 0.5, but the trials of this search have"),
        ({"architecture": "conv", "channels": [4, 5]}, r"channels = \[4, 5\], but .* \[4, 8\]"),
    ],
)
def test_a_run_outside_the_space_is_named(
    space: tuple[Dimension, ...], make_run: MakeRun, changes: dict[str, Any], message: str
) -> None:
    base = make_run(hidden=(8,), latent_dim=2, clip_norm=None)
    with pytest.raises(MisfitError, match=message):
        from_run(make_run(**base.model_dump() | changes), space, base)


def test_the_shipped_space_has_infinitely_many_points(params: dict[str, Any]) -> None:
    settings = parse_settings(params)
    assert size(settings.search.space) == math.inf
    assert base_of(settings) == next(iter(settings.runs.values()))

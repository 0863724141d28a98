"""The search space and the first points: what is refused, in one line, and what is allowed."""

from typing import Any

import pytest

from pipeline.settings import SettingsError, parse_settings
from pipeline.settings.space import Dimension, allowed, as_declared, contains
from pipeline.settings.space_rules import size

Refuse = tuple[dict[str, Any], str]

STEPS = {"name": "latent_dim", "kind": "int", "low": 2, "high": 8, "step": 2}
HALVES = {"name": "beta", "kind": "float", "low": 0.1, "high": 2.0, "step": 0.1}


def choice(name: str, *choices: Any) -> dict[str, Any]:
    return {"name": name, "kind": "categorical", "choices": list(choices)}


def whole(name: str, low: int = 1, high: int = 4, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "int", "low": low, "high": high} | more


def real(name: str, low: float, high: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "float", "low": low, "high": high} | more


def message_of(params: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as caught:
        parse_settings(params)
    message = caught.value.message
    assert "\n" not in message
    return message


# A dimension that is added to the shipped space, or takes the place of one there.
REFUSED_DIMENSIONS = [
    # steps
    (STEPS | {"high": 7}, "step = 2 must divide high - low = 5; change one of them"),
    (STEPS | {"step": 20}, "step = 20 must divide high - low = 6"),
    (HALVES | {"step": 0.4}, "step = 0.4 must divide high - low = 1.9"),
    (STEPS | {"log": True}, "step = 2 has no meaning on a log scale; set log: false"),
    (HALVES | {"log": True}, "step = 0.1 has no meaning on a log scale; set log: false"),
    (HALVES | {"step": 0}, "step = 0 must be greater than 0"),
    (STEPS | {"step": 0.5}, "step = 0.5 must be a whole number"),
    # lists
    (choice("hidden", 400), "hidden = 400 must be a list"),
    (choice("hidden", "[400]"), "hidden = [400] must be a list"),
    (choice("hidden", [400], 200), "hidden: choices must be all lists, or all single values"),
    (choice("hidden", ["a"]), "choices[0][0] = 'a' must be a whole number"),
    (choice("hidden", [400.0]), "choices[0][0] = 400.0 must be a whole number"),
    (choice("hidden", [400], [400]), "choices = [[400], [400]] must not contain duplicates"),
    (choice("hidden", [0]), "hidden = [0] must be greater than 0"),
    (choice("channels", []), "channels = [] must be a whole number or must hold at least one"),
    (choice("latent_dim", [2], [3]), "latent_dim = [2] must be a whole number"),
    (whole("hidden"), "hidden = 1 must be a list"),
    (whole("width"), "hidden is searched as whole lists, so width must not be searched as well"),
    (whole("depth"), "hidden is searched as whole lists, so depth must not"),
    (whole("blocks"), "channels is searched as whole lists, so blocks must not"),
    # what a run could not have
    (choice("batch_size", 0, 64), "batch_size = 0 must be greater than 0"),
    (whole("latent_dim", high=1000), "latent_dim = 1000 must be at most 512"),
    (real("latent_dim", 2, 4), "latent_dim = 2.0 must be a whole number"),
    (choice("activation", "sliu"), "must be silu, relu or tanh (did you mean silu?)"),
    (choice("schedule", "one-cycl"), "(did you mean one-cycle?)"),
    (choice("clip_norm", None, 0.0), "clip_norm = 0.0 must be greater than 0"),
    (choice("patience", 2, 2.5), "patience = 2.5 must be a whole number"),
    (choice("scale", "learnd"), "must be a number or must be learned (did you mean learned?)"),
    (whole("epochs"), "name = 'epochs' must be architecture"),
    (whole("seed"), "name = 'seed' must be architecture"),
    (choice("likelihood", "gaussian"), "name = 'likelihood' must be architecture"),
]


@pytest.mark.parametrize(("dimension", "message"), REFUSED_DIMENSIONS)
def test_a_dimension_that_no_run_could_follow_is_refused(
    params: dict[str, Any], dimension: dict[str, Any], message: str
) -> None:
    search = params["search"]
    others = [one for one in search["space"] if one["name"] != dimension["name"]]
    search["space"] = [*others, dimension]
    assert message in message_of(params)


REFUSED_SPACES: list[tuple[list[dict[str, Any]], dict[str, Any], str]] = [
    # what the largest model could not be
    ([whole("blocks", high=5)], {}, "search.space: channels = [32, 64, 128, 256, 512] makes 5"),
    ([whole("blocks", high=10**6)], {}, "blocks = 1000000 must be at most 100"),
    ([whole("depth", high=101)], {}, "depth = 101 must be at most 100"),
    ([choice("channels", [8], [1] * 5)], {}, "[1, 1, 1, 1, 1] makes 5 stride-2 blocks, but 28x28"),
    ([whole("width", high=10**5)], {}, "search.space: a linear model of 20,"),
    ([whole("width", high=20_000), whole("depth")], {}, "search.space: a linear model of"),
    ([choice("hidden", [8], [10**5, 10**5])], {}, "search.space: a linear model of 20,"),
    ([whole("dense", high=10**6)], {}, "search.space: a conv model of"),
    ([whole("batch_size", high=10**10)], {}, "high = 10000000000 must be at most 1,000,000,000"),
    # grids, counted before they are made
    ([real("beta", 0.5, 2)], {"sampler": "grid"}, "but beta is a range; declare it as categorical"),
    ([whole("width", log=True)], {"sampler": "grid"}, "but width is a range; declare it as"),
    (
        [whole(name, high=100) for name in ("latent_dim", "batch_size", "width")],
        {"sampler": "grid"},
        "would have 2,000,000 trials, but may have 100,000",
    ),
    (
        [
            choice("activation", "silu", "relu"),
            whole("width", high=100_000, when={"activation": "silu"}),
        ],
        {"sampler": "grid"},
        "would have 200,002 trials",
    ),
    (
        [choice(name, *range(1, 40)) for name in ("latent_dim", "batch_size")],
        {"balance": ["latent_dim", "batch_size"]},
        "balance: the choices have 1,521 combinations, but may have 1,000",
    ),
    ([real("beta", 0, 1e308, step=1e-300)], {}, "step = 1e-300 must divide high - low = 1e+308"),
]


@pytest.mark.parametrize(("dimensions", "changes", "message"), REFUSED_SPACES)
def test_a_space_with_models_or_grids_that_are_too_large_is_refused(
    params: dict[str, Any], dimensions: list[dict[str, Any]], changes: dict[str, Any], message: str
) -> None:
    architectures = choice("architecture", "linear", "conv")
    space = [architectures, *dimensions]
    params["search"] |= {"space": space, "first": [], "prune_within": []} | changes
    assert message in message_of(params)


def test_blocks_of_an_architecture_that_is_not_used_do_not_matter(params: dict[str, Any]) -> None:
    params["train"]["model"]["channels"] = [1] * 10
    params["train"]["grid"]["architectures"] = ["linear"]
    params["search"] |= {"space": [whole("width", high=64)], "first": [], "balance": []}
    parse_settings(params)


def test_a_space_of_many_conditions_is_counted_quickly(params: dict[str, Any]) -> None:
    names = ("batch_size", "patience", "beta_warmup", "clip_norm", "free_bits", "scale", "beta")
    conditions = [choice(name, *range(1, 1000)) for name in names]
    widths = whole("width", when=dict.fromkeys(names, 3))
    params["search"] |= {"space": [*conditions, widths], "first": []}
    assert size(parse_settings(params).search.space) == 999**7 + 3


def test_every_scalar_of_a_run_can_be_searched(params: dict[str, Any]) -> None:
    params["search"]["space"] += [
        choice("activation", "silu", "relu"),
        choice("scale", "learned", 0.1),
        choice("schedule", "one-cycle", "constant"),
        whole("beta_warmup", 0, 10, step=5),
        real("free_bits", 0.0, 0.5, step=0.25),
        choice("clip_norm", None, 10.0),
        choice("patience", None, 5),
        choice("checkpoint", "last", "best"),
    ]
    parse_settings(params)


REFUSED_POINTS = [
    ("linear10", "first[0] = 'linear10' must be a cell such as linear-10, or a point such as"),
    ("linear-0", "first[0] = 'linear-0' must be a cell such as linear-10"),
    ("linear-513", "first[0]: latent_dim = 513 must be at most 512"),
    (3, "search.first[0] = 3 must be a string or must be values by name"),
    ({"latent_dim": 100}, "first[0]: latent_dim = 100 must be 2 to 40"),
    ({"latent_dim": 2.5}, "first[0]: latent_dim = 2.5 must be 2 to 40"),
    ({"latent_dim": None}, "first[0]: latent_dim = null must be 2 to 40"),
    ({"dense": 100}, "first[0]: dense is not searched; known: architecture, latent_dim"),
    ({"architecture": "lineal"}, "first[0]: architecture = lineal must be linear or conv"),
    ({"hidden": [17]}, "first[0]: hidden = [17] must be [400, 200] or [400]"),
    (
        {"architecture": "linear", "channels": [32, 64]},
        "first[0]: channels applies only when architecture is conv, but the point has linear",
    ),
]


@pytest.mark.parametrize(("point", "message"), REFUSED_POINTS)
def test_a_first_point_that_cannot_be_tried_is_refused(
    params: dict[str, Any], point: Any, message: str
) -> None:
    params["search"]["first"] = [point]
    assert message in message_of(params)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first": "linear-10"}, "search.first = 'linear-10' must be grid or must be a list"),
        ({"balance": ["beta"]}, "balance: beta must be categorical and apply to all trials"),
        ({"balance": ["hidden"]}, "balance: hidden must be categorical and apply to all trials"),
        ({"balance": ["betta"]}, "(did you mean beta?)"),
        ({"prune_within": "architecture"}, "search.prune_within = 'architecture' must be a list"),
        ({"prune_within": ["size"]}, "search.prune_within[0] = 'size' must be architecture"),
        ({"confirm": -1}, "search.confirm = -1 must be at least 0"),
    ],
)
def test_other_mistakes_in_the_search_are_explained(
    params: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    params["search"] |= changes
    assert message in message_of(params)


@pytest.fixture
def dimensions(params: dict[str, Any]) -> dict[str, Dimension]:
    params["search"] |= {
        "first": [],
        "space": [STEPS, HALVES, choice("hidden", [8], []), choice("clip_norm", None, 5.0)],
    }
    return {one.name: one for one in parse_settings(params).search.space}


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("latent_dim", [2, 8, 4.0], [1, 3, 10, 4.5, "4", None]),
        ("beta", [0.1, 0.3, 1, 0.1 + 2 * 0.1], [0.15, 2.1, "1"]),
        ("hidden", ["[8]", "[]"], [8, "[9]"]),
        ("clip_norm", [None, 5], [4, "null"]),
    ],
)
def test_a_dimension_contains_its_values(
    dimensions: dict[str, Dimension], name: str, inside: list[Any], outside: list[Any]
) -> None:
    assert [value for value in inside if not contains(dimensions[name], value)] == []
    assert [value for value in outside if contains(dimensions[name], value)] == []


def test_equal_values_are_the_same_value(dimensions: dict[str, Dimension]) -> None:
    assert repr(as_declared(dimensions["latent_dim"], 4.0)) == "4"
    assert repr(as_declared(dimensions["clip_norm"], 5)) == "5.0"
    assert as_declared(dimensions["beta"], 0.1 + 2 * 0.1) == 0.3
    assert as_declared(dimensions["beta"], 0.3) == 0.3
    assert [allowed(one) for one in dimensions.values()] == [
        "2 to 8 in steps of 2",
        "0.1 to 2 in steps of 0.1",
        "[8] or []",
        "null or 5",
    ]


def test_many_choices_are_not_all_named(params: dict[str, Any]) -> None:
    params["search"] |= {
        "first": [{"batch_size": 9999}],
        "space": [choice("batch_size", *range(1, 1001))],
    }
    message = message_of(params)
    assert "batch_size = 9999 must be 1 or 2 or 3 or " in message
    assert message.endswith(" or 50 or one of 950 more")

"""The first points of a search: cells, points written out, and the grid."""

from typing import Any

import pytest

from pipeline.settings import Settings, SettingsError, parse_settings
from study.search.first import FirstPoints, base_of, first_points
from study.search.plan import Plan
from study.search.space import identity_of, to_run
from tests.study.conftest import SPACE

DATA = "0" * 64


def with_space(params: dict[str, Any], first: Any, **train: Any) -> Settings:
    params["search"] |= {"space": SPACE, "first": first}
    params["train"] |= train
    return parse_settings(params)


def first_of(params: dict[str, Any], first: Any, **train: Any) -> FirstPoints:
    return first_points(with_space(params, first, **train))


def test_the_shipped_cells_are_exactly_the_runs_of_the_shipped_grid(params: dict[str, Any]) -> None:
    settings = parse_settings(params)
    plan = Plan.of(settings, DATA)
    assert first_points(settings).skipped == ()
    found = [identity_of(to_run(point, plan.base, 0, 20)) for point in plan.first]
    own = [run for run in settings.runs.values() if run.seed == 0]
    assert found == [
        identity_of(run.model_copy(update={"precision": plan.base.precision})) for run in own
    ]
    params["search"]["first"] = "grid"
    assert first_points(parse_settings(params)).points == plan.first


def test_the_grid_does_not_name_a_search_but_its_recipe_does(params: dict[str, Any]) -> None:
    name = Plan.of(parse_settings(params), DATA).name
    params["train"]["grid"] |= {"latent_dims": [3], "architectures": ["conv"], "seeds": [7]}
    params["train"]["epochs"] = 99
    assert Plan.of(parse_settings(params), DATA).name == name
    params["train"]["learning_rate"] = 0.004  # it is searched, but the cells are tried with it
    assert Plan.of(parse_settings(params), DATA).name != name


def test_first_points_count_as_what_they_are_however_they_are_asked_for(
    params: dict[str, Any],
) -> None:
    params["train"]["grid"] |= {"latent_dims": [2], "architectures": ["linear"]}
    point = {"architecture": "linear", "latent_dim": 2.0, "beta": 1}
    names = {
        Plan.of(
            with_space(params, first, model=params["train"]["model"] | {"hidden": [16]}), DATA
        ).name
        for first in (["linear-2"], "grid", [point], ["linear-2", point, "linear-2"])
    }
    assert len(names) == 1
    assert Plan.of(with_space(params, []), DATA).name not in names


def test_the_grid_as_it_is(tiny_params: dict[str, Any]) -> None:
    tiny_params["train"]["grid"] |= {"betas": [0.5, 9.0], "seeds": [0, 1]}
    found = first_of(tiny_params, "grid")
    assert [(point["architecture"], point["latent_dim"]) for point in found.points] == [
        ("linear", 2),
        ("linear", 3),
        ("conv", 2),
        ("conv", 3),
    ]
    assert all(point["beta"] == 0.5 for point in found.points)
    assert len(found.skipped) == 4
    assert found.skipped[0] == ("linear-2/beta-9 does not fit the space: beta = 9 is not 0.5 to 2")


def test_cells_that_do_not_fit_are_skipped_and_named(tiny_params: dict[str, Any]) -> None:
    model = tiny_params["train"]["model"] | {"hidden": [16, 8]}
    found = first_of(tiny_params, ["linear-2", "conv-2", "conv-9", "conv-3"], model=model)
    assert [point["latent_dim"] for point in found.points] == [2, 3]
    assert found.skipped == (
        "linear-2 does not fit the space: hidden = [16, 8], but the trials of this search have "
        "[16, 16]",
        "conv-9 does not fit the space: latent_dim = 9 is not 2 to 8",
    )


def test_a_point_is_completed_from_section_train(tiny_params: dict[str, Any]) -> None:
    found = first_of(tiny_params, [{"latent_dim": 5}, {"architecture": "conv", "latent_dim": 4.0}])
    assert found.points == (
        {"architecture": "linear", "latent_dim": 5, "beta": 1.0, "width": 16},
        {"architecture": "conv", "latent_dim": 4, "beta": 1.0, "channels": 4},
    )
    assert isinstance(found.points[1]["latent_dim"], int)


@pytest.mark.parametrize(
    ("point", "hidden", "message"),
    [
        ({"latent_dim": 5}, [400, 200], r"first\[0\] leaves out width, and section train cannot"),
        ({"latent_dim": 5}, [99], "width = 99 is not 8 to 32; write width in the point"),
        ({"channels": 4}, [16], r"first\[0\]: channels does not apply to this point; remove it"),
    ],
)
def test_a_point_that_cannot_be_completed_is_refused(
    tiny_params: dict[str, Any], point: Any, hidden: list[int], message: str
) -> None:
    model = tiny_params["train"]["model"] | {"hidden": hidden}
    with pytest.raises(SettingsError, match=message):
        first_of(tiny_params, [point], model=model)


def test_earlier_trials_come_first_and_those_of_another_likelihood_are_skipped(
    tiny_params: dict[str, Any],
) -> None:
    settings = with_space(tiny_params, ["linear-2"])
    run = base_of(settings).model_copy(update={"latent_dim": 7, "precision": "bfloat16"})
    other = run.model_copy(update={"likelihood": "gaussian", "binarisation": "none"})
    same = base_of(settings).model_copy(update={"latent_dim": 2, "epochs": 77, "seed": 5})
    found = first_points(settings, {"trial 3": run, "trial 5": other, "trial 6": same})
    assert [point["latent_dim"] for point in found.points] == [7, 2]
    (line,) = found.skipped
    assert line == (
        "trial 5 does not fit the space: likelihood = gaussian, but the trials of this search have "
        "bernoulli"
    )

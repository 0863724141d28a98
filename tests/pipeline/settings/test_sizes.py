"""Sizes that are found without building a model are those of the model that is built."""

from typing import Any

import pytest

from pipeline.data.sources.idx import IDX_SETS
from pipeline.judge.classifier import build_judge
from pipeline.models import ImageShape, build_model
from pipeline.models.vae import ModelError
from pipeline.settings import JudgeSettings
from pipeline.settings.data import SIDE
from pipeline.settings.sizes import judge_size, model_size
from tests.conftest import MakeRun


@pytest.mark.parametrize("shape", [(28, 28), (7, 9), (32, 20)])
@pytest.mark.parametrize(
    "widths",
    [
        {"architecture": "linear", "hidden": []},
        {"architecture": "linear", "hidden": [400, 200, 3]},
        {"architecture": "conv", "channels": [5], "conv_hidden": []},
        {"architecture": "conv", "channels": [32, 64], "conv_hidden": [7, 256]},
    ],
)
def test_parameters_are_counted(
    make_run: MakeRun, widths: dict[str, object], shape: tuple[int, int]
) -> None:
    run = make_run(latent_dim=3, **widths)
    assert (
        model_size(run, *shape).parameters == build_model(run, ImageShape(*shape)).parameter_count
    )


def test_outputs_are_counted(make_run: MakeRun) -> None:
    linear = make_run(architecture="linear", hidden=[5], latent_dim=2)
    assert model_size(linear, 3, 4).outputs == (12 + 5 + 4) + (2 + 5 + 12)
    conv = make_run(architecture="conv", channels=[6], conv_hidden=[], latent_dim=2)
    images = 8 * 8 + 6 * 4 * 4
    assert model_size(conv, 8, 8).outputs == (images + 96 + 4) + (2 + 96 + images)


@pytest.mark.parametrize("channels", [[16, 32, 64], [3]])
def test_parameters_of_the_judge_are_counted(params: dict[str, Any], channels: list[int]) -> None:
    settings = JudgeSettings.model_validate(params["judge"] | {"channels": channels})
    judge = build_judge(settings, (28, 28), 10)
    head = 10 * (settings.feature_dim + 1)
    assert judge_size(settings, 28).parameters == judge.parameter_count - head


def test_a_model_that_is_too_large_is_not_built(make_run: MakeRun) -> None:
    with pytest.raises(ModelError, match=r"train.model: a linear model of .* may take 16"):
        build_model(make_run(hidden=[10**6]), ImageShape(28, 28))


def test_all_data_sets_have_images_of_one_size() -> None:
    shapes = {one.train_images.shape[1:] for one in IDX_SETS.values()}
    assert shapes == {(SIDE, SIDE)}

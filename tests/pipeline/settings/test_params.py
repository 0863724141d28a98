"""The whole of params.yaml, and the runs that it describes."""

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.settings import RunSettings, Settings, SettingsError, parse_settings
from tests.conftest import MakeRun


def test_the_grid_is_balanced_and_ordered(params: dict[str, Any]) -> None:
    runs = parse_settings(params).runs
    assert len(runs) == 24
    assert list(runs)[:4] == [
        "linear-2/seed-0",
        "linear-2/seed-1",
        "linear-2/seed-2",
        "linear-5/seed-0",
    ]
    assert runs["conv-10/seed-1"].architecture == "conv"
    assert runs["conv-10/seed-1"].latent_dim == 10
    assert runs["conv-10/seed-1"].seed == 1


def test_names_include_beta_only_if_the_grid_varies_it(params: dict[str, Any]) -> None:
    params["train"]["grid"] |= {"betas": [0.5, 4.0], "seeds": [0], "latent_dims": [2]}
    assert list(parse_settings(params).runs) == [
        "linear-2/beta-0.5-seed-0",
        "linear-2/beta-4-seed-0",
        "conv-2/beta-0.5-seed-0",
        "conv-2/beta-4-seed-0",
    ]


@pytest.mark.parametrize(
    ("data", "likelihood", "binarisation"),
    [
        ("mnist-5k", "bernoulli", "dynamic"),
        ("mnist", "bernoulli", "dynamic"),
        ("fashion-mnist", "continuous-bernoulli", "none"),
    ],
)
def test_auto_follows_the_data_set(
    params: dict[str, Any], data: str, likelihood: str, binarisation: str
) -> None:
    params["data"]["name"] = data
    run = next(iter(parse_settings(params).runs.values()))
    assert (run.likelihood, run.binarisation) == (likelihood, binarisation)


@pytest.mark.parametrize("likelihood", ["continuous-bernoulli", "gaussian"])
def test_densities_require_grey_pixels(params: dict[str, Any], likelihood: str) -> None:
    params["train"]["model"]["likelihood"] = likelihood
    run = next(iter(parse_settings(params).runs.values()))
    assert (run.likelihood, run.binarisation) == (likelihood, "none")
    params["train"]["binarisation"] = "dynamic"
    with pytest.raises(SettingsError, match=r"train\.binarisation = 'dynamic' makes pixels 0 or 1"):
        parse_settings(params)


def test_different_betas_have_different_names(params: dict[str, Any]) -> None:
    params["train"]["grid"]["betas"] = [1.0, 1.0000001]
    assert len(parse_settings(params).runs) == 48


def test_settings_are_frozen(params: dict[str, Any]) -> None:
    settings: Settings = parse_settings(params)
    with pytest.raises(ValueError, match="frozen"):
        settings.train.epochs = 3  # type: ignore[misc]
    assert hash(settings.train)


@pytest.mark.parametrize("key", ["likelihood", "binarisation"])
def test_a_run_has_auto_resolved(make_run: MakeRun, key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        make_run(**{key: "auto"})


def test_the_order_of_a_runs_settings_is_fixed() -> None:
    # The name of a search is a hash of its settings in this order.
    assert list(RunSettings.model_fields) == [
        "architecture",
        "latent_dim",
        "beta",
        "seed",
        "hidden",
        "channels",
        "conv_hidden",
        "activation",
        "likelihood",
        "scale",
        "binarisation",
        "epochs",
        "batch_size",
        "learning_rate",
        "schedule",
        "beta_warmup",
        "free_bits",
        "clip_norm",
        "patience",
        "checkpoint",
        "precision",
        "device",
    ]

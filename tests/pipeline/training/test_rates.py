"""Learning rates per layer."""

import pytest
import torch

from pipeline.models import ImageShape, build_model
from pipeline.training.rates import BIASES, parameter_groups
from tests.conftest import MakeRun


def rates_by_name(model: torch.nn.Module, groups: list[dict[str, object]]) -> dict[str, object]:
    rates = {
        parameter: group["lr"]
        for group in groups
        for parameter in group["params"]  # type: ignore[attr-defined]
    }
    return {name: rates[parameter] for name, parameter in model.named_parameters()}


def test_rates_scale_with_the_inverse_root_of_the_fan_in(make_run: MakeRun) -> None:
    """A layer with 400 inputs has the run's rate, one with 16 inputs five times that."""
    model = build_model(make_run(hidden=[400], latent_dim=16), ImageShape(10, 10))
    rates = rates_by_name(model, parameter_groups(model, 0.01))
    weights = {name: rate for name, rate in rates.items() if name.endswith("weight")}
    assert list(weights.values()) == pytest.approx([0.02, 0.01, 0.05, 0.01])
    biases = {rate for name, rate in rates.items() if name.endswith("bias")}
    assert biases == {0.01 * BIASES}


@pytest.mark.parametrize("architecture", ["linear", "conv"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_each_parameter_has_one_rate_and_each_rate_one_group(
    make_run: MakeRun, architecture: str, likelihood: str
) -> None:
    run = make_run(architecture=architecture, likelihood=likelihood, scale="learned")
    model = build_model(run, ImageShape(8, 8))
    groups = parameter_groups(model, 0.01)
    grouped = [parameter for group in groups for parameter in group["params"]]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == set(model.parameters())
    rates = [group["lr"] for group in groups]
    assert len(rates) == len(set(rates))
    assert rates[0] == 0.01
    if likelihood == "gaussian":
        assert model.log_scale in set(groups[0]["params"])

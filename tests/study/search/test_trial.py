"""What a trial is worth, and when it is compared: decided without a store or a tracker."""

import statistics
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.data.prepared import PreparedData
from pipeline.settings import parse_settings
from study.search.plan import Plan
from study.search.trial import Step, TrialError, TrialResult, train_trial
from tests.study.conftest import SPACE

CHOSEN = {"architecture": "linear", "latent_dim": 3, "beta": 2.0, "width": 8}
EPOCHS = 4

Train = Callable[..., tuple[TrialResult, list[Step]]]


@pytest.fixture
def train(tiny_params: dict[str, Any], prepared: PreparedData) -> Train:
    def run(chosen: dict[str, Any] = CHOSEN, **search: Any) -> tuple[TrialResult, list[Step]]:
        tiny_params["search"] |= {"space": SPACE, "epochs": EPOCHS, "pruner": "median"} | search
        plan = Plan.of(parse_settings(tiny_params), prepared.hash)
        steps: list[Step] = []
        return train_trial(plan, prepared, chosen, steps.append), steps

    return run


def test_the_value_is_the_elbo_at_beta_1_whatever_beta_it_trained_with(train: Train) -> None:
    result, steps = train()
    assert set(result.metrics) == {"elbo", "reconstruction", "kl"}
    assert result.values == (result.metrics["elbo"],)
    assert result.metrics["elbo"] == pytest.approx(
        -(result.metrics["reconstruction"] + result.metrics["kl"])
    )
    assert [step.report.epoch for step in steps if step.report] == [1, 2, 3, 4]
    assert result.first.run.beta == 2.0


def test_a_trial_is_compared_by_its_elbo_before_its_last_epoch(train: Train) -> None:
    _, steps = train()
    checks = {step.check.step: step for step in steps if step.check}
    assert sorted(checks) == [2, 3], "not before a third of the epochs"
    for step in checks.values():
        assert step.report is not None
        assert step.check is not None
        assert step.check.value == step.report.valid.elbo


def test_nll_is_minimised_and_compared_by_the_negative_elbo(train: Train) -> None:
    result, steps = train(objective="nll")
    assert result.values == (result.metrics["nll"],)
    assert result.metrics["nll"] <= -result.metrics["elbo"] + 0.1
    check, report = steps[1].check, steps[1].report
    assert check is not None
    assert report is not None
    assert check.value == -report.valid.elbo > 0


def test_rate_and_distortion_are_two_values_and_never_compared(train: Train) -> None:
    result, steps = train(objective="rate-distortion")
    assert result.values == (result.metrics["reconstruction"], result.metrics["kl"])
    assert all(step.check is None for step in steps)


@pytest.mark.parametrize("objective", ["elbo", "nll"])
def test_replicates_yield_a_mean_a_spread_and_a_comparison_between_them(
    train: Train, objective: str
) -> None:
    result, steps = train(objective=objective, replicates=3)
    alone = [train(objective=objective, replicates=1, seed=seed)[0].values[0] for seed in range(3)]
    assert result.values[0] == pytest.approx(statistics.mean(alone))
    assert result.metrics["spread"] == pytest.approx(statistics.stdev(alone))
    assert result.first.run.seed == 0
    between = [step.check for step in steps if step.report is None]
    assert [check.step for check in between if check] == [EPOCHS, EPOCHS + 1]
    assert [check.value for check in between if check] == pytest.approx(
        [alone[0], statistics.mean(alone[:2])]
    )
    assert {step.replicate for step in steps if step.report and step.check} == {0}


def test_what_the_observer_raises_ends_the_trial(tiny_params: Any, prepared: PreparedData) -> None:
    tiny_params["search"] |= {"space": SPACE, "epochs": EPOCHS}
    plan = Plan.of(parse_settings(tiny_params), prepared.hash)

    def full(step: Step) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):  # not a TrialError: the trial is not to blame
        train_trial(plan, prepared, CHOSEN, full)


def test_what_cannot_be_built_is_the_trials_fault(train: Train) -> None:
    """Eight halvings of an 8 x 8 image leave nothing to convolve."""
    with pytest.raises(TrialError, match="8"):
        train({"architecture": "conv", "blocks": 8})


def test_what_fails_in_training_is_the_trials_fault(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*words: Any) -> Any:
        raise MemoryError("no memory left")
        yield

    monkeypatch.setattr("study.search.trial.train_epochs", out_of_memory)
    with pytest.raises(TrialError, match="MemoryError: no memory left"):
        train()

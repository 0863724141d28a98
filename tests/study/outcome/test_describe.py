"""Lines of text about trials: short enough for a terminal."""

import optuna
import pytest
from optuna.trial import TrialState

from pipeline.settings import load_settings
from study.outcome.describe import describe
from study.search.schedule import REASON, TRIAL, Trial
from study.search.space import distributions
from tests.conftest import ROOT

PARAMS = ROOT / "params.yaml"
CONV = {
    "architecture": "conv",
    "latent_dim": 32,
    "beta": 0.9012345,
    "learning_rate": 0.0052345,
    "batch_size": 128,
    "channels": "[32, 64, 128]",
}


@pytest.mark.parametrize(
    ("state", "value", "reason", "shown"),
    [
        (TrialState.COMPLETE, -100.256, "", "complete  -100.26 "),
        (
            TrialState.PRUNED,
            None,
            "pruned after epoch 10 with -121.51 nats",
            "pruned    after epoch 10, -121.51 nats ",
        ),
    ],
)
def test_a_trial_fits_one_line_of_an_ordinary_terminal(
    state: TrialState, value: float | None, reason: str, shown: str
) -> None:
    space = load_settings(PARAMS).search.space
    trial = optuna.create_trial(
        state=state,
        value=value,
        params=CONV,
        distributions=distributions(CONV, space),
        user_attrs={TRIAL: 149, REASON: reason},
    )
    line = describe(Trial(149, (replace_number(trial),)))
    assert line.startswith(f"trial 149  {shown}")
    assert line.endswith("conv dim=32 beta=0.901 lr=0.00523 bs=128 channels=32-64-128")
    assert len(line) <= 120


def replace_number(trial: optuna.trial.FrozenTrial) -> optuna.trial.FrozenTrial:
    """As the store would number it; retries make it differ from the trial's number."""
    trial.number = 160
    return trial

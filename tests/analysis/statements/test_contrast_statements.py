"""Statements about architecture and latent size, with known effects."""

import numpy as np
import pytest
from scipy import stats

from analysis.read.frames import Results
from analysis.statements import Decision, StatementVerdict, decide_statements
from tests.analysis.statements.worlds import SPREAD, Value, by_architecture, by_size, world

SIZE, ARCHITECTURE = by_size, by_architecture
# Number of the statement, its metric, what is changed, and the sign of the metric if it holds.
CHANGES = [
    (2, "elbo", SIZE, 1),  # a lower loss is a higher ELBO
    (3, "elbo", ARCHITECTURE, 1),
    (4, "marginal_kl", ARCHITECTURE, -1),
    (5, "reconstruction", ARCHITECTURE, -1),
    (6, "reconstruction_sharpness", SIZE, 1),
    (7, "sharpness", SIZE, 1),
    (8, "confidence", SIZE, -1),
    (10, "path_plausibility", SIZE, -1),
]


def decide(results: Results, number: int) -> Decision:
    return decide_statements(results, {}, 0.95)[number - 1]


@pytest.mark.parametrize(("number", "metric", "change", "sign"), CHANGES)
@pytest.mark.parametrize(
    ("effect", "verdict"),
    [(0.2, "supported"), (-0.2, "contradicted"), (0.001, "not distinguishable")],
)
def test_the_verdict_follows_the_difference(  # type: ignore[no-untyped-def]
    number: int, metric: str, change, sign: int, effect: float, verdict: StatementVerdict
) -> None:
    decision = decide(world(values={metric: change(sign * effect)}), number)
    assert decision.verdict == verdict
    assert abs(decision.effect.mean) == pytest.approx(abs(effect))
    assert decision.runs == 12
    assert all(decision.reasons)


def test_loss_is_the_negative_elbo() -> None:
    decision = decide(world(values={"elbo": by_size(0.2)}), 2)
    assert decision.effect.mean == pytest.approx(-0.2)
    assert decision.statement == "A larger latent size gives a lower loss."
    assert "10 minus 2 dimensions, mean over linear and conv. Supported below" in decision.statistic
    assert decision.unit == "nats per image"
    assert decision.reasons[0].startswith("Linear: −0.20 [")
    assert decision.reasons[0].endswith(", supported.")


def test_the_effect_has_welchs_interval_over_matched_pairs() -> None:
    """All four variances are equal here, so there are 4 (3 - 1) degrees of freedom."""
    effect = decide(world(values={"sharpness": by_size(0.2)}), 7).effect
    half = stats.t.ppf(0.975, 8) * np.sqrt(4 * (SPREAD / 2) ** 2 / 3)
    assert (effect.low, effect.high) == pytest.approx((0.2 - half, 0.2 + half))


def crossed(effect: float) -> Value:
    """Conv has more than linear at ten dimensions and less at two."""
    return lambda architecture, size: effect * (architecture == "conv") * (1 if size == 10 else -1)


@pytest.mark.parametrize("tilt", [0.0, 0.3])
def test_opposite_effects_give_no_verdict(tilt: float) -> None:
    """Even if their mean is distinguishable from zero."""
    values = {"elbo": lambda name, size: crossed(0.5)(name, size) + tilt * (name == "conv")}
    decision = decide(world(values=values), 3)
    assert decision.verdict == "not distinguishable"
    assert decision.effect.mean == pytest.approx(-tilt)
    assert decision.reasons[0].startswith("The effects differ in sign by size")
    assert decision.reasons[1].startswith("2 dimensions: +")
    assert decision.reasons[1].endswith(", contradicted.")
    assert decision.reasons[2].endswith(", supported.")


def test_an_effect_at_only_one_size_is_reported() -> None:
    values = {"elbo": lambda name, size: 0.5 * (name == "conv" and size == 10)}
    decision = decide(world(values=values), 3)
    assert decision.verdict == "supported"
    assert decision.reasons[0].endswith(", not distinguishable.")
    assert decision.reasons[1].endswith(", supported.")


def test_marginal_kl_decides_and_kl_is_shown_for_context() -> None:
    values = {"marginal_kl": by_architecture(-0.2), "kl": by_architecture(0.2)}
    decision = decide(world(values=values), 4)
    assert decision.verdict == "supported"
    assert decision.reasons[-1].startswith("KL: +0.20 [")
    assert decision.reasons[-1].endswith("on its own: contradicted.")


def test_precision_is_shown_for_context() -> None:
    decision = decide(world(values={"precision": by_size(0.3)}), 8)
    assert decision.verdict == "not distinguishable"
    assert "does not show that nothing changes" in decision.statistic
    assert decision.reasons[-1].endswith("on its own: contradicted.")


@pytest.mark.parametrize(
    ("start", "effect", "verdict"),
    [
        (0.9, -0.2, "supported"),
        (0.4, -0.2, "contradicted"),  # less in ten, but not plausible in two
        (0.5, -0.2, "not distinguishable"),
        (0.9, 0.05, "contradicted"),
    ],
)
def test_paths_must_also_be_plausible(
    start: float, effect: float, verdict: StatementVerdict
) -> None:
    decision = decide(world(values={"path_plausibility": by_size(effect, start)}), 10)
    assert decision.verdict == verdict
    assert decision.reasons[0].startswith(f"Share in 2 dimensions: {start:.3f} [")


def test_two_sizes_decide_and_others_are_shown_for_comparison() -> None:
    values = {"elbo": lambda name, size: {2: 0.0, 5: 9.0, 10: 0.5, 20: 1.0}[size]}
    size, architecture = (decide(world(sizes=[2, 5, 10, 20], values=values), n) for n in (2, 3))
    assert size.effect.mean == pytest.approx(-0.5)
    assert "5 minus 2: −9.00" in size.reasons[-1]
    assert "20 minus 2: −1.00" in size.reasons[-1]
    assert "For comparison, 5 dimensions: 0.00 [" in architecture.reasons[-1]
    assert size.runs == architecture.runs == 12


def test_other_sizes_are_the_smallest_and_the_largest() -> None:
    decision = decide(world(sizes=[3, 6, 12], values={"sharpness": by_size(0.2)}), 7)
    assert decision.statement == "Samples with 12 dimensions are sharper than with 3."
    assert decision.effect.mean == pytest.approx(0.2)
    assert "6 minus 3" in decision.reasons[-1]


def test_one_size_or_architecture_decides_some_statements() -> None:
    one_size = world(sizes=[10], values={"elbo": by_architecture(0.2)})
    assert decide(one_size, 3).verdict == "supported"
    assert "conv minus linear, 10 dimensions." in decide(one_size, 3).statistic
    assert decide(one_size, 2).verdict == "cannot be decided"
    assert decide(one_size, 2).reasons == (
        "The results contain only linear-10 and conv-10 of the four models.",
    )
    linear = world(architectures=["linear"], values={"elbo": by_size(0.2)})
    assert decide(linear, 2).verdict == "supported"
    assert "dimensions, linear." in decide(linear, 2).statistic
    assert decide(linear, 3).verdict == "cannot be decided"


def test_the_default_beta_decides() -> None:
    decision = decide(world(betas=[1.0, 0.5, 4.0], values={"elbo": by_size(0.2)}), 2)
    assert decision.effect.mean == pytest.approx(-0.2)
    assert decision.runs == 12


def test_collapsed_runs_are_counted_and_reported() -> None:
    results = world(values={"elbo": by_size(0.2)}, collapsed=["conv-10/beta-1-seed-1"])
    assert decide(results, 2).reasons[-1] == "1 of 12 runs collapsed."


@pytest.mark.parametrize("number", range(2, 9))
def test_one_seed_decides_nothing(number: int) -> None:
    decision = decide(world(seeds=1), number)
    assert decision.verdict == "cannot be decided"
    assert decision.reasons[0].startswith("Only one seed of ")
    assert not decision.effect.is_known


def test_a_missing_metric_decides_nothing() -> None:
    """Data of one class have no paths between classes."""
    decision = decide(world(without=["path_plausibility", "path_min_confidence"]), 10)
    assert decision.verdict == "cannot be decided"
    assert decision.reasons == ("The results contain no path_plausibility.",)


def test_architectures_of_other_names_decide_nothing() -> None:
    decision = decide(world(architectures=["resnet", "$x"]), 3)
    assert decision.verdict == "cannot be decided"
    assert decision.reasons == ("The results contain no latent size that linear and conv share.",)

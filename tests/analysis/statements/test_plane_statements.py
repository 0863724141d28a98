"""The two-dimensional plane: its hub, and how continuous it is."""

import numpy as np
import pytest
from scipy import stats

from analysis.read.arrays import Array
from analysis.read.frames import Results
from analysis.statements import Decision, StatementVerdict
from analysis.statements.evidence import gather
from analysis.statements.plane import decide_grid, hubs_of, share_interval
from tests.analysis.statements.worlds import DIGITS, world


def borders(*hubs: int) -> Array:
    """Classes 0 to 9: hubs border six others, the rest two; without hubs there are no borders."""
    return np.array([(label, 6 if label in hubs else 2 * bool(hubs)) for label in range(10)])


def planes(results: Results, hubs: list[tuple[int, ...]]) -> dict[str, Array]:
    """Give the two-dimensional runs these hubs, in order."""
    runs = results.runs[results.runs["latent_dim"] == 2]["run"]
    return {run: borders(*own) for run, own in zip(runs, hubs, strict=False)}


def decide(results: Results, hubs: list[tuple[int, ...]]) -> Decision:
    return decide_grid(gather(results, planes(results, hubs), 0.95))


@pytest.mark.parametrize(
    ("hubs", "continuity", "verdict"),
    [
        ([(8,)] * 6, 0.13, "supported"),
        ([(3,)] * 6, 0.13, "contradicted"),
        ([(1, 8)] * 6, 0.13, "contradicted"),  # no single digit is the hub
        ([(8,)] * 3 + [(1,)] * 3, 0.13, "not distinguishable"),
        ([(8,)] * 6, 0.9, "contradicted"),
        ([(8,)] * 6, 0.5, "not distinguishable"),
    ],
)
def test_hub_and_continuity_decide(
    hubs: list[tuple[int, ...]], continuity: float, verdict: StatementVerdict
) -> None:
    decision = decide(world(continuity=continuity), hubs)
    assert decision.verdict == verdict
    assert decision.effect.mean == pytest.approx(hubs.count((8,)) / 6)
    assert decision.runs == 6
    assert f"Continuity: {continuity:.3f} [" in decision.reasons[1]


def test_the_hubs_are_counted() -> None:
    decision = decide(world(), [(8,), (1, 8), (1, 8), (8,), (8,), ()])
    assert decision.reasons[0] == "Hubs: 8 in 3 runs; 1 and 8 tied in 2 runs; none in 1 run."
    assert decision.reasons[-1] == "At the origin: 8 in 6 runs."


def test_few_runs_cannot_show_it() -> None:
    decision = decide(world(seeds=2), [(8,)] * 4)
    assert decision.verdict == "not distinguishable"
    assert any(reason.startswith("4 runs cannot show") for reason in decision.reasons)


def test_runs_without_borders_do_not_count() -> None:
    assert decide(world(), [(8,)] * 5).runs == 5


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        (("T-shirt/top", "$8"), "The results contain no class 8."),
        ((), "The results contain no class names."),
    ],
)
def test_data_without_an_eight(classes: tuple[str, ...], reason: str) -> None:
    decision = decide(world(classes=classes), [(1,)] * 6)
    assert decision.verdict == "cannot be decided"
    assert decision.reasons[0] == reason
    assert decision.reasons[1].startswith("Continuity: 0.130 [")


def test_the_eight_is_found_by_name() -> None:
    shifted = (*DIGITS[1:], "0")
    assert decide(world(classes=shifted), [(7,)] * 6).verdict == "supported"
    assert decide(world(classes=shifted), [(8,)] * 6).verdict == "contradicted"


def test_missing_data_is_reported() -> None:
    for results, hubs, reason in (
        (world(sizes=[5, 10]), [], "The results contain no model with 2 dimensions."),
        (world(seeds=1), [(8,)] * 2, "Only one seed of linear-2 and conv-2"),
        (world(), [], "No run has plane_borders; run dvc repro"),
    ):
        decision = decide(results, hubs)
        assert decision.verdict == "cannot be decided"
        assert decision.reasons[0].startswith(reason)


def test_a_collapsed_plane_has_no_hub() -> None:
    assert hubs_of(np.array([[4, 0]])) == ()
    assert hubs_of(np.array([[4, 1], [2, 3], [0, 3]])) == (0, 2)


@pytest.mark.parametrize(("successes", "runs"), [(0, 6), (2, 6), (6, 6), (17, 40)])
def test_the_interval_of_a_share_is_exact(successes: int, runs: int) -> None:
    """At each end of the interval, the tail of the count is 2.5 %."""
    interval = share_interval(successes, runs, 0.95)
    assert interval.mean == successes / runs
    if successes:
        assert stats.binom.sf(successes - 1, runs, interval.low) == pytest.approx(0.025)
    if successes < runs:
        assert stats.binom.cdf(successes, runs, interval.high) == pytest.approx(0.025)
    assert (interval.low, interval.high) == pytest.approx(
        (max(interval.low, 0), min(interval.high, 1))
    )

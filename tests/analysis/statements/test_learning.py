"""The statement that all four models learn: each of them must."""

from dataclasses import replace

import pytest

from analysis.read.frames import Results
from analysis.statements import Decision, StatementVerdict
from analysis.statements.evidence import gather
from analysis.statements.learning import decide_learning
from tests.analysis.statements.worlds import world


def decide(results: Results) -> Decision:
    return decide_learning(gather(results, {}, 0.95))


@pytest.mark.parametrize(
    ("worst", "verdict"),
    [(1.0, "supported"), (-1.0, "contradicted"), (0.0, "not distinguishable")],
)
def test_the_worst_of_the_four_decides(worst: float, verdict: StatementVerdict) -> None:
    results = world(gains=lambda name, size: worst if (name, size) == ("conv", 10) else 40.0)
    decision = decide(results)
    assert decision.verdict == verdict
    assert decision.effect.mean == pytest.approx(worst)
    assert decision.runs == 12
    assert len(decision.reasons) == 4
    assert decision.reasons[0].startswith("Linear-2: +40.00 [")


def test_other_sizes_do_not_affect_the_verdict() -> None:
    decision = decide(world(sizes=[2, 5, 10], gains=lambda _, size: -9.0 if size == 5 else 9.0))
    assert decision.verdict == "supported"
    assert decision.reasons[-1].startswith("For comparison, linear-5: −9.00 [")


def test_a_collapsed_run_prevents_support() -> None:
    runs = [f"conv-10/beta-1-seed-{seed}" for seed in range(3)]
    some, every = decide(world(collapsed=runs[:1])), decide(world(collapsed=runs))
    assert some.verdict == "not distinguishable"
    assert some.reasons[-1] == "1 of 12 runs collapsed."
    assert every.verdict == "contradicted"


def test_missing_data_is_reported() -> None:
    results = world()
    history = results.history
    short = history[(history["model"] != "conv-2") | (history["epoch"] == 1)]
    for kept, reason in (
        (world(seeds=1), "Only one seed of linear-2, linear-10, conv-2 and conv-10"),
        (world(sizes=[2]), "The results contain only linear-2 and conv-2 of"),
        (world(architectures=["linear"]), "The results contain only linear-2 and linear-10 of"),
        (with_history(results, short), "No run of conv-2 has a history"),
        (with_history(results, history[:0]), "No run of linear-2, linear-10, conv-2 and"),
    ):
        decision = decide(kept)
        assert decision.verdict == "cannot be decided"
        assert decision.reasons[0].startswith(reason)


def with_history(results: Results, history) -> Results:  # type: ignore[no-untyped-def]
    return replace(results, history=history)

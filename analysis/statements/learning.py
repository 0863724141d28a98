"""The statement that all four models learn."""

from analysis.estimate.intervals import mean_interval
from analysis.estimate.verdicts import PAIR
from analysis.read.frames import model_name
from analysis.statements.contrasts import absent, listed, shown
from analysis.statements.decision import (
    Decision,
    StatementVerdict,
    all_of,
    sentences,
    statement_verdict,
)
from analysis.statements.evidence import ARCHITECTURES, Evidence, Model
from analysis.words import join_and, metric_unit
from pipeline.schemas.metrics import ELBO

STATEMENT = "All four models learn."
STATISTIC = (
    "Gain in validation ELBO from the first to the last epoch; the effect is the smallest of the "
    "four. Supported if all four gains are above zero and no run collapsed; contradicted if a "
    "model's gain is below zero or all its runs collapsed."
)


def decide_learning(evidence: Evidence) -> Decision:
    """Decide whether each of the four gains: an intersection-union test, see ``decision.all_of``.

    The gain excludes the first epoch itself, so it is conservative.
    """
    models = evidence.models
    if len(models) < len(ARCHITECTURES) * len(PAIR):
        return _open(absent(evidence))
    gains = {model: _gains(evidence, model) for model in models}
    without = [model_name(*model) for model, own in gains.items() if not own]
    if without:
        return _open(f"No run of {join_and(without)} has a history of two epochs or more.")
    intervals = {model: mean_interval(own, evidence.confidence) for model, own in gains.items()}
    single = [model_name(*model) for model in models if not intervals[model].is_known]
    if single:
        return _open(f"Only one seed of {join_and(single)}, so there is no interval.")
    named = {model: model_name(*model) for model in models}
    return Decision(
        STATEMENT,
        STATISTIC,
        all_of(
            verdict
            for model in models
            for verdict in (statement_verdict(intervals[model], "above"), _health(evidence, model))
        ),
        sentences(
            *(f"{shown(named[model], intervals[model], ELBO)}." for model in models),
            _others(evidence),
            evidence.collapsed(models),
        ),
        min(intervals.values(), key=lambda interval: interval.mean),
        metric_unit(ELBO, evidence.protocol),
        runs=sum(map(len, gains.values())),
    )


def _open(reason: str) -> Decision:
    return Decision(STATEMENT, STATISTIC, "cannot be decided", (reason,))


def _gains(evidence: Evidence, model: Model) -> list[float]:
    """Last minus first validation ELBO of each run whose history has two epochs or more."""
    history = evidence.history
    ours = history["run"].isin(evidence.of(model)["run"]) & (history["split"] == "valid")
    gains = []
    for _, epochs in history[ours].sort_values("epoch").groupby("run"):
        if len(epochs) > 1:
            gains.append(float(epochs["elbo"].iloc[-1] - epochs["elbo"].iloc[0]))
    return gains


def _health(evidence: Evidence, model: Model) -> StatementVerdict:
    collapsed = evidence.of(model)["collapsed"]
    if collapsed.all():
        return "contradicted"
    return "not distinguishable" if collapsed.any() else "supported"


def _others(evidence: Evidence) -> str:
    models = [(name, size) for name in evidence.architectures for size in evidence.others]
    gains = {model_name(*model): _gains(evidence, model) for model in models}
    return listed(
        [(name, mean_interval(own, evidence.confidence)) for name, own in gains.items() if own],
        ELBO,
    )

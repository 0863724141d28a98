"""Statements about the effect of architecture or latent size: differences between matched models.

The effect is the difference, averaged over the pairs that differ in nothing else: conv minus linear
over two latent sizes, or the larger size minus the smaller over two architectures. If two pairs
are distinguishable from zero in opposite directions, their mean hides the effect, and the verdict
is *not distinguishable*.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis.estimate.intervals import Interval
from analysis.estimate.verdicts import PAIR, Factor
from analysis.present.intervals import format_estimate
from analysis.read.frames import model_name
from analysis.statements.decision import Decision, Side, sentences, statement_verdict
from analysis.statements.evidence import (
    ARCHITECTURES,
    Evidence,
    Model,
    Pair,
    Quantity,
    pairs_of_architectures,
    pairs_of_sizes,
)
from analysis.words import join_and, metric_unit, pluralise
from pipeline.schemas.metric import Metric


@dataclass(frozen=True, slots=True)
class Change:
    """A statement that a change of one factor moves a quantity up or down.

    Attributes:
        text: the statement; ``{large}`` and ``{small}`` stand for the latent sizes.
        factor: what is changed.
        quantity: what decides the verdict.
        side: the side of zero on which the difference is if the statement holds.
        context: quantities that are shown but do not affect the verdict.
        remark: a note on the rule.
    """

    text: str
    factor: Factor
    quantity: Quantity
    side: Side
    context: tuple[Quantity, ...] = ()
    remark: str = ""


def decide_change(change: Change, evidence: Evidence) -> Decision:
    """Return the verdict on a change, based on the four models."""
    pairs = _pairs(change, evidence)
    models = models_of(pairs)
    statement, statistic = _text(change, evidence), _statistic(change, evidence, pairs)
    metric = change.quantity.metric
    lacking = evidence.lacking(change.quantity, models) if pairs else absent(evidence)
    if lacking:
        return Decision(statement, statistic, "cannot be decided", (lacking,))
    effect = evidence.difference(change.quantity, pairs)
    own = {pair.label: evidence.difference(change.quantity, [pair]) for pair in pairs}
    alone = {label: statement_verdict(part, change.side) for label, part in own.items()}
    opposite = {"supported", "contradicted"} <= set(alone.values())
    factor = "size" if change.factor == "architecture" else "architecture"
    return Decision(
        statement,
        statistic,
        "not distinguishable" if opposite else statement_verdict(effect, change.side),
        sentences(
            f"The effects differ in sign by {factor}, which the mean hides." if opposite else "",
            *(f"{shown(name, part, metric)}, {alone[name]}." for name, part in own.items()),
            _others(change, evidence),
            *(_aside(change, evidence, quantity, pairs) for quantity in change.context),
            evidence.collapsed(models),
        ),
        effect,
        metric_unit(metric, evidence.protocol),
        metric.digits,
        runs=sum(len(evidence.values(change.quantity, model)) for model in models),
    )


def models_of(pairs: Iterable[Pair]) -> list[Model]:
    """Return both sides of each pair."""
    return [model for pair in pairs for model in (pair.subject, pair.reference)]


def absent(evidence: Evidence) -> str:
    """Say which of the four models are available when a comparison lacks one side."""
    there = [model_name(*model) for model in evidence.models]
    if there:
        return f"The results contain only {join_and(there)} of the four models."
    names = join_and(ARCHITECTURES)
    return f"The results contain no latent size that {names} share."


def shown(name: str, effect: Interval, metric: Metric) -> str:
    """``Conv: −48.01 [−49.00, −47.02]``."""
    return f"{name[:1].upper()}{name[1:]}: {format_estimate(effect, metric.digits, signed=True)}"


def listed(effects: Iterable[tuple[str, Interval]], metric: Metric) -> str:
    """Effects that do not affect the verdict, such as ``For comparison, 5 dimensions: −2.40.``."""
    texts = [f"{name}: {format_estimate(own, metric.digits, signed=True)}" for name, own in effects]
    return f"For comparison, {'; '.join(texts)}." if texts else ""


def _pairs(change: Change, evidence: Evidence) -> list[Pair]:
    if change.factor == "architecture":
        return pairs_of_architectures(evidence, evidence.sizes)
    if len(evidence.sizes) < len(PAIR):
        return []
    small, large = evidence.sizes
    return pairs_of_sizes(evidence.architectures, large, small)


def _ends(evidence: Evidence) -> dict[str, int]:
    """The latent sizes that the statement mentions."""
    small, large = evidence.sizes if len(evidence.sizes) == len(PAIR) else PAIR
    return {"small": small, "large": large}


def _text(change: Change, evidence: Evidence) -> str:
    return change.text.format(**_ends(evidence))


def _statistic(change: Change, evidence: Evidence, pairs: Sequence[Pair]) -> str:
    """``Marginal KL: conv minus linear, mean over 2 and 10 dimensions. Supported below zero.``."""
    if change.factor == "architecture":
        reference, subject = ARCHITECTURES
        what = f"{subject} minus {reference}"
        over = f"{join_and([str(size) for size in evidence.sizes])} dimensions"
    else:
        what = "{large} minus {small} dimensions".format(**_ends(evidence))
        over = join_and(evidence.architectures)
    mean = f", mean over {over}" if len(pairs) > 1 else f", {over}" if pairs else ""
    rule = f"Supported {change.side} zero."
    return " ".join(filter(None, (f"{change.quantity.label}: {what}{mean}.", rule, change.remark)))


def _others(change: Change, evidence: Evidence) -> str:
    """The same effect at further latent sizes, which do not affect the verdict."""
    effects = {}
    for size in evidence.others:
        if change.factor == "architecture":
            pairs = pairs_of_architectures(evidence, [size])
            label = pluralise(size, "dimension")
        else:
            small = evidence.sizes[0]
            pairs = pairs_of_sizes(evidence.architectures, size, small)
            label = f"{size} minus {small}"
        effects[label] = evidence.difference(change.quantity, pairs)
    return listed(effects.items(), change.quantity.metric)


def _aside(change: Change, evidence: Evidence, quantity: Quantity, pairs: Sequence[Pair]) -> str:
    """The same effect on a quantity shown for context, with the verdict it alone would give."""
    effect = evidence.difference(quantity, pairs)
    size = shown(quantity.label, effect, quantity.metric)
    return f"{size}; on its own: {statement_verdict(effect, change.side)}."

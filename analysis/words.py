"""Numbers, names and protocols as people read them: one wording for tables, figures and text."""

import math
from collections import Counter
from collections.abc import Sequence

from pipeline.schemas.metric import Metric
from pipeline.schemas.protocol import Protocol

NOTHING = "–"
NBSP = "\N{NO-BREAK SPACE}"
CAVEAT = "cross-entropy, not a likelihood"
ARROWS = {"higher": "↑", "lower": "↓", "neither": ""}


def format_number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """``−111.90`` with a true minus sign; a dash for NaN; ``signed`` also writes the plus."""
    if math.isnan(value):
        return NOTHING
    text = f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}"
    # Rounding may leave a zero with a sign, which would claim a direction.
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def format_percent(fraction: float) -> str:
    """``95 %``."""
    return f"{100 * fraction:g}{NBSP}%"


def format_share(part: float) -> str:
    """``99.2 %`` of 0.992: with one digit behind the point."""
    return f"{format_number(100 * part, 1)}{NBSP}%"


def pluralise(amount: int, noun: str) -> str:
    """``1 seed``, ``3 seeds``."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def format_range(values: Sequence[int], noun: str) -> str:
    """``3 seeds`` where all agree, ``2 to 3 seeds`` where they do not."""
    low, high = min(values), max(values)
    return pluralise(low, noun) if low == high else f"{low:,} to {pluralise(high, noun)}"


def format_active_units(mean: float, latent_dim: int) -> str:
    """``15.7 of 20`` active units; whole numbers without a point."""
    return f"{format_number(mean, 0 if mean == round(mean) else 1)} of {latent_dim}"


def format_class_counts(numbers: str, classes: Sequence[str]) -> str:
    """``8 (2), 9`` for the classes ``8, 9, 8`` of three seeds.

    Args:
        numbers: of the classes, as ``statistics.summarise`` lists them; at least one.
        classes: their names; a number without one stands for itself.
    """
    counts = Counter(map(int, numbers.split(", ")))
    shown = [
        (classes[label] if label < len(classes) else str(label), amount)
        for label, amount in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return ", ".join(f"{name} ({n})" if n > 1 else name for name, n in shown)


def join_and(items: Sequence[str]) -> str:
    """``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def likelihood_caveat(metric: Metric, protocol: Protocol) -> str:
    """What must stand beside the metric where ``bernoulli`` is no likelihood; else empty."""
    return CAVEAT if metric.of_likelihood and not protocol.is_likelihood else ""


def metric_unit(metric: Metric, protocol: Protocol) -> str:
    """The unit under a heading, with the caveat; empty for a count."""
    if metric.unit in ("dimensions", "images", "class", "classes"):
        return ""
    unit = "nats per image" if metric.unit == "nats" else metric.unit
    return "; ".join(filter(None, (unit, likelihood_caveat(metric, protocol))))


def axis_title(metric: Metric, protocol: Protocol) -> str:
    """The heading of a chart: label, arrow, and a caveat on a second line."""
    arrow = f" {ARROWS[metric.better]}" if metric.sign else ""
    below = likelihood_caveat(metric, protocol)
    return f"{metric.label}{arrow}" + (f"\n({below})" if below else "")


def likelihood_label(protocol: Protocol) -> str:
    """The likelihood, with a caveat where it is none."""
    if protocol.is_likelihood:
        return protocol.likelihood
    return f"{protocol.likelihood} on grey pixels ({CAVEAT})"

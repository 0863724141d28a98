"""Numbers, names and protocols formatted for people, alike in tables, figures and text."""

import math
from collections import Counter
from collections.abc import Sequence

from pipeline.schemas.metric import Metric
from pipeline.schemas.protocol import Protocol

NOTHING = "–"
NBSP = "\N{NO-BREAK SPACE}"
COMMIT_DIGITS = 10
CAVEAT = "cross-entropy, not a likelihood"
ARROWS = {"higher": "↑", "lower": "↓", "neither": ""}


def format_number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """Format as ``−111.90`` with a true minus sign; a dash for NaN; ``signed`` adds a plus sign."""
    if math.isnan(value):
        return NOTHING
    text = f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}"
    # Rounding may leave a signed zero, which would suggest a direction.
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def format_percent(fraction: float) -> str:
    """Format a fraction as ``95 %``."""
    return f"{100 * fraction:g}{NBSP}%"


def format_share(part: float) -> str:
    """Format 0.992 as ``99.2 %``, always with one decimal."""
    return f"{format_number(100 * part, 1)}{NBSP}%"


def pluralise(amount: int, noun: str) -> str:
    """Format a count with its noun: ``1 seed``, ``3 seeds``."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def format_range(values: Sequence[int], noun: str) -> str:
    """Format as ``3 seeds`` if all values agree, otherwise as ``2 to 3 seeds``."""
    low, high = min(values), max(values)
    return pluralise(low, noun) if low == high else f"{low:,} to {pluralise(high, noun)}"


def format_active_units(mean: float, latent_dim: int) -> str:
    """Format as ``15.7 of 20``; whole numbers without decimals."""
    return f"{format_number(mean, 0 if mean == round(mean) else 1)} of {latent_dim}"


def format_class_counts(numbers: str, classes: Sequence[str]) -> str:
    """Format the classes ``8, 9, 8`` of three seeds as ``8 (2), 9``.

    Args:
        numbers: indices of the classes, as ``summarise`` lists them; at least one.
        classes: names of the classes; an index without a name is shown itself.
    """
    counts = Counter(map(int, numbers.split(", ")))
    shown = [
        (classes[label] if label < len(classes) else str(label), amount)
        for label, amount in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return ", ".join(f"{name} ({n})" if n > 1 else name for name, n in shown)


def join_and(items: Sequence[str]) -> str:
    """Join as ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def likelihood_caveat(metric: Metric, protocol: Protocol) -> str:
    """Return the caveat for a metric whose Bernoulli is not a likelihood; otherwise empty."""
    return CAVEAT if metric.of_likelihood and not protocol.is_likelihood else ""


def metric_unit(metric: Metric, protocol: Protocol) -> str:
    """Return the unit to show below a heading, with the caveat; empty for a count."""
    if metric.unit in ("dimensions", "images", "class", "classes"):
        return ""
    unit = "nats per image" if metric.unit == "nats" else metric.unit
    return "; ".join(filter(None, (unit, likelihood_caveat(metric, protocol))))


def axis_title(metric: Metric, protocol: Protocol) -> str:
    """Return the heading of a chart: label, arrow, and the caveat on a second line."""
    arrow = f" {ARROWS[metric.better]}" if metric.sign else ""
    below = likelihood_caveat(metric, protocol)
    return f"{metric.label}{arrow}" + (f"\n({below})" if below else "")


def likelihood_label(protocol: Protocol) -> str:
    """Return the name of the likelihood, with the caveat if it is not one."""
    if protocol.is_likelihood:
        return protocol.likelihood
    return f"{protocol.likelihood} on grey pixels ({CAVEAT})"


def short_commit(commit: str) -> str:
    """Shorten a commit to its first digits, keeping ``+changes`` for uncommitted changes."""
    name, plus, rest = commit.partition("+")
    return f"{name[:COMMIT_DIGITS]}{plus}{rest}"

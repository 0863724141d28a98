"""Results of a benchmark: rows of the table of targets, as text and as JSON."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

OURS = "vae-study"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison, or one number with a limit.

    Attributes:
        line: letter in the table of targets; empty for additional rows.
        name: what was measured.
        unit: unit of the values.
        values: one value per round, by name of the contestant; ``OURS`` is ours. Contestants take
            turns, so values at the same position belong together.
        better: whether larger or smaller values are better.
        target: smallest ratio to each peer; without peers, the largest allowed value.
        details: settings and anything else worth keeping.
    """

    line: str
    name: str
    unit: str
    values: Mapping[str, Sequence[float]]
    better: Literal["larger", "smaller"]
    target: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def peers(self) -> list[str]:
        """All contestants except ours."""
        return [name for name in self.values if name != OURS]

    def ratios(self, peer: str) -> list[float]:
        """Return how many times better ours is than the peer, in each round."""
        pairs = zip(self.values[OURS], self.values[peer], strict=True)
        if self.better == "larger":
            return [ours / theirs for ours, theirs in pairs]
        return [theirs / ours for ours, theirs in pairs]

    def verdict(self, peer: str | None) -> str:
        """Return whether the target is met; empty if there is none."""
        if self.target is None:
            return ""
        if peer is None:
            return "yes" if statistics.median(self.values[OURS]) <= self.target else "no"
        return "yes" if statistics.median(self.ratios(peer)) >= self.target else "no"

    def as_json(self) -> dict[str, Any]:
        """Return everything with medians and ratios; values that are not finite become null."""
        found = asdict(self) | {
            "medians": {name: statistics.median(values) for name, values in self.values.items()},
            "ratios": {peer: self.ratios(peer) for peer in self.peers},
        }
        return _finite(found)


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def show(rows: Sequence[Row], console: Console) -> None:
    """Print a table of medians, ratios (with the range over rounds) and targets."""
    table = Table(title="Medians over the rounds; a ratio above 1 is in our favour")
    table.add_column("")
    table.add_column("what", overflow="fold")
    for heading in ("unit", "ours", "peer's", "peer", "ratio", "target", "met"):
        table.add_column(heading, justify="left" if heading in ("unit", "peer") else "right")
    for row in rows:
        ours = statistics.median(row.values[OURS])
        first = [row.line, row.name, row.unit, number(ours)]
        if not row.peers:
            limit = "" if row.target is None else f"{row.target:g} {row.unit}"
            table.add_row(*first, "", "", "", limit, row.verdict(None))
        for place, peer in enumerate(row.peers):
            ratios = row.ratios(peer)
            shown = f"{statistics.median(ratios):.2f}"
            if len(ratios) > 1:
                shown += f" ({min(ratios):.2f} to {max(ratios):.2f})"
            # The target applies to the first peer; the others are for comparison.
            goal = ("", "")
            if place == 0 and row.target is not None:
                goal = (f"{row.target:g}", row.verdict(peer))
            theirs = number(statistics.median(row.values[peer]))
            begin = first if place == 0 else [""] * len(first)
            table.add_row(*begin, theirs, peer, shown, *goal)
    console.print(table)


def number(value: float) -> str:
    """Format a number with at least four digits: 8,050, 105.5 and 0.135."""
    if math.isinf(value):
        return "never"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"

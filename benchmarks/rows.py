"""What a benchmark found: lines of the table of targets, as text and as JSON."""

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
    """One comparison, or one figure with a limit.

    Attributes:
        line: its letter in the table of targets; empty for what stands beside it.
        name: what was measured.
        unit: of the values.
        values: one a round, under each contestant's name; ``OURS`` is ours. The rounds took turns,
            so values of the same place belong together.
        better: whether larger or smaller values are better.
        target: what the ratio to each peer is to reach; without peers, the largest value allowed.
        details: settings and everything else that is worth keeping.
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
        """All contestants but ours."""
        return [name for name in self.values if name != OURS]

    def ratios(self, peer: str) -> list[float]:
        """How many times better ours is than the peer, round by round."""
        pairs = zip(self.values[OURS], self.values[peer], strict=True)
        if self.better == "larger":
            return [ours / theirs for ours, theirs in pairs]
        return [theirs / ours for ours, theirs in pairs]

    def verdict(self, peer: str | None) -> str:
        """Whether the target is met; empty where there is none."""
        if self.target is None:
            return ""
        if peer is None:
            return "yes" if statistics.median(self.values[OURS]) <= self.target else "no"
        return "yes" if statistics.median(self.ratios(peer)) >= self.target else "no"

    def as_json(self) -> dict[str, Any]:
        """Everything, with the medians and ratios; what is no number becomes null."""
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
    """A table: medians, ratios with the smallest and largest of the rounds, targets."""
    table = Table(title="Medians over the rounds; a ratio above 1 is in our favour")
    table.add_column("")
    table.add_column("what", overflow="fold")
    for heading in ("unit", "ours", "other", "its name", "ratio", "target", "met"):
        table.add_column(heading, justify="left" if heading in ("unit", "its name") else "right")
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
            # The target is against the first peer; the others are there to compare.
            goal = ("", "")
            if place == 0 and row.target is not None:
                goal = (f"{row.target:g}", row.verdict(peer))
            theirs = number(statistics.median(row.values[peer]))
            begin = first if place == 0 else [""] * len(first)
            table.add_row(*begin, theirs, peer, shown, *goal)
    console.print(table)


def number(value: float) -> str:
    """Four digits and more: 8,050, 105.5 and 0.135."""
    if math.isinf(value):
        return "never"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"

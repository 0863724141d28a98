"""The objective over the search space: complete trials, and the dimensions that matter to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from analysis.read.fanova import ALL
from analysis.read.space import SpaceDimension
from analysis.read.trials import Trials

FEWEST = 10  # complete trials needed for a map
TOGETHER = "all trials"  # the name of an area of all architectures
STEPS = 5  # distinct values of a dimension; with so few there is little to interpolate
SHOWN = 3  # dimensions, hence three pairs


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """Trials between which values may be interpolated, with the pairs of dimensions to show.

    Attributes:
        group: ``all trials``, or their architecture.
        trials: complete trials, as rows of ``Trials.frame``.
        values: their scores.
        pairs: pairs of the dimensions that explain the most.
        ranked: whether the pairs were chosen by importance; otherwise by order in the space.
    """

    group: str
    trials: pd.DataFrame
    values: pd.Series
    pairs: tuple[tuple[SpaceDimension, SpaceDimension], ...]
    ranked: bool


def areas(trials: Trials) -> list[Area]:
    """Return one area per architecture with enough trials, or one of all trials if none has enough.

    There is nothing to interpolate between two architectures. Pruned trials have values of other
    epochs, so only complete ones are shown.
    """
    score = trials.score
    rated = trials.frame[score.notna()]
    if len(rated) < FEWEST:
        return []
    groups: list[tuple[str, pd.DataFrame]] = []
    if "architecture" in trials.space:
        groups = [
            (str(name), rows)
            for name, rows in rated.groupby("architecture", sort=True)
            if len(rows) >= FEWEST
        ]
    found = []
    for name, rows in groups or [(ALL, rated)]:
        dimensions, ranked = _main(trials, name, rows)
        pairs = tuple(combinations(dimensions[:SHOWN], 2))
        if pairs:
            group = TOGETHER if name == ALL else name
            found.append(Area(group, rows, score[rows.index], pairs, ranked))
    return found


def _main(trials: Trials, group: str, rows: pd.DataFrame) -> tuple[Sequence[SpaceDimension], bool]:
    """The numeric dimensions that vary within these trials, the most important first."""
    amounts = [
        one
        for one in trials.dimensions
        if one.numeric and rows[one.name].notna().all() and rows[one.name].nunique() > STEPS
    ]
    shares = {one.group: one.shares for one in trials.importance}
    known = shares.get(group) or shares.get(ALL)
    if not known:
        return amounts, False
    return sorted(
        amounts, key=lambda one: -known[one.name].mean if one.name in known else 0.0
    ), True

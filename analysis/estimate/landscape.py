"""The objective over the search space: comparable values of trials, and the dimensions that matter.

Final values of complete trials if there are enough of them. A strict pruner leaves few; then the
values at the pruner's first comparison, which all trials reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from analysis.read.fanova import ALL
from analysis.read.space import SpaceDimension
from analysis.read.trials import Trials

FEWEST = 10  # trials needed for a map
TOGETHER = "all trials"  # the name of an area of all architectures
STEPS = 5  # distinct values of a dimension; with so few there is little to interpolate
SHOWN = 3  # dimensions, hence three pairs


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Values of trials, all measured after the same epoch.

    Attributes:
        series: by the index of ``Trials.frame``; NaN if a trial was not measured then.
        epoch: after which they were measured; None for the last epoch of complete trials.
        name: name of the quantity.
        higher: whether higher is better.
    """

    series: pd.Series
    epoch: int | None
    name: str
    higher: bool

    @property
    def when(self) -> str:
        """``after the last epoch`` or ``after epoch 4``."""
        return "after the last epoch" if self.epoch is None else f"after epoch {self.epoch}"


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """Trials between which values may be interpolated, with the pairs of dimensions to show.

    Attributes:
        group: ``all trials``, or their architecture.
        trials: rows of ``Trials.frame``, each with a value.
        values: values of these trials.
        pairs: pairs of the dimensions that explain the most.
        ranked: whether the pairs were chosen by importance; otherwise by order in the space.
    """

    group: str
    trials: pd.DataFrame
    values: pd.Series
    pairs: tuple[tuple[SpaceDimension, SpaceDimension], ...]
    ranked: bool


def final_values(trials: Trials) -> Values:
    """Return the final values of complete trials."""
    return Values(trials.score, None, trials.score_name, trials.higher_is_better)


def first_values(trials: Trials) -> Values | None:
    """Return the values at the pruner's first comparison; None if there was none."""
    epoch, series = trials.card.first_comparison, trials.frame["first_value"]
    if epoch is None or not trials.is_single or series.notna().sum() < 2:
        return None
    # The NLL is estimated only at the end; until then its bound stands in for it.
    name = "negative ELBO" if trials.objective == "nll" else "ELBO"
    return Values(series, epoch, name, trials.higher_is_better)


def comparable_values(trials: Trials) -> Values | None:
    """Return final values if ten trials or more have them, else first ones; None without either."""
    final, early = final_values(trials), first_values(trials)
    for values in (final, early):
        if values is not None and values.series.notna().sum() >= FEWEST:
            return values
    return None


def areas(trials: Trials, values: Values) -> list[Area]:
    """Return one area per architecture with enough trials, or one of all trials if none has enough.

    There is nothing to interpolate between two architectures.
    """
    rated = trials.frame[values.series.notna()]
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
            found.append(Area(group, rows, values.series[rows.index], pairs, ranked))
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
    return sorted(amounts, key=lambda one: -known.get(one.name, 0.0)), True

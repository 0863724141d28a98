"""The objective over the space: values of trials that compare, and the dimensions that matter.

Final values of complete trials where there are enough. A pruner that is strict leaves few, and
then the values at the first comparison, which all trials reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from analysis.read.fanova import ALL
from analysis.read.space import SpaceDimension
from analysis.read.trials import Trials

FEWEST = 10  # trials; fewer make no map
TOGETHER = "all trials"  # the name of an area of all architectures
STEPS = 5  # values of a dimension; between so few there is little to interpolate
SHOWN = 3  # dimensions, so three pairs


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """What trials came to, measured after the same epoch.

    Attributes:
        series: by the index of ``Trials.frame``; NaN where a trial was not measured then.
        epoch: after which; None for the last of complete trials.
        name: what they are.
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
    """Trials over which values may be interpolated, with their pairs of dimensions.

    Attributes:
        group: ``all trials``, or their architecture.
        trials: rows of ``Trials.frame``, each with a value.
        values: theirs.
        pairs: of the dimensions that explain most.
        ranked: whether importances decided which; else the order of the space did.
    """

    group: str
    trials: pd.DataFrame
    values: pd.Series
    pairs: tuple[tuple[SpaceDimension, SpaceDimension], ...]
    ranked: bool


def final_values(trials: Trials) -> Values:
    """Of the complete trials."""
    return Values(trials.score, None, trials.score_name, trials.higher_is_better)


def first_values(trials: Trials) -> Values | None:
    """At the first comparison, of all trials that reached it; None without it."""
    epoch, series = trials.card.first_comparison, trials.frame["first_value"]
    if epoch is None or not trials.is_single or series.notna().sum() < 2:
        return None
    # The NLL is estimated at the end alone; on the way its bound stands in.
    name = "negative ELBO" if trials.objective == "nll" else "ELBO"
    return Values(series, epoch, name, trials.higher_is_better)


def comparable_values(trials: Trials) -> Values | None:
    """Final values of ten trials or more, else those of the first comparison; None without."""
    final, early = final_values(trials), first_values(trials)
    for values in (final, early):
        if values is not None and values.series.notna().sum() >= FEWEST:
            return values
    return None


def areas(trials: Trials, values: Values) -> list[Area]:
    """An area an architecture that has enough trials; all together where none has.

    Between two architectures there is nothing to interpolate.
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
    """The amounts that vary in all these trials, the most important first."""
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

"""Functional ANOVA: the share of the objective's variance that each hyperparameter explains.

Hutter, Hoos & Leyton-Brown 2014, with a random forest fitted to the complete trials. Optuna's
default, which is based on quantiles, is misleading for a few trials that a sampler chose. A forest
always names shares, even of noise; bootstrapping the trials shows how far they can be believed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

from analysis.read.fanova import ALL, FanovaImportance, Share
from pipeline.errors import UserError
from pipeline.schemas.tables import Row
from study.outcome.importance import FEWEST
from study.search.schedule import Trial, result_of

RESAMPLES, CONFIDENCE = 100, 0.95
TREES, TREES_RESAMPLED = 64, 16
MOST_DEPTH = 64
SEED = 0

Numbers = NDArray[np.float64]
Rated = list[tuple[FrozenTrial, float]]


def importances(trials: Sequence[Trial]) -> list[FanovaImportance]:
    """Compute the shares over all trials, and within each architecture, where more of them apply.

    Trials that were pruned do not count, because their last values are of different epochs, nor do
    those that repeated another.

    Raises:
        UserError: if there are too few complete trials, or too little varies among them.
    """
    complete = [trial.attempt for trial in trials if trial.is_evidence]
    if len(complete) < FEWEST:
        raise UserError(
            f"importance needs {FEWEST} complete trials, but there are {len(complete)}; run more"
        )
    groups: dict[str, Rated] = {ALL: [(one, _final(one)) for one in complete]}
    for attempt, value in groups[ALL]:
        if "architecture" in attempt.params:
            groups.setdefault(str(attempt.params["architecture"]), []).append((attempt, value))
    found = []
    for group, members in groups.items():
        varied = _varied(members)
        # A single hyperparameter has share 1, and a value that never changes has no variance.
        if len(members) >= FEWEST and len(varied) > 1 and len({value for _, value in members}) > 1:
            found.append(FanovaImportance(group, len(members), _shares(members, varied)))
    if not found:
        raise UserError(
            "importance needs two hyperparameters that vary in all trials, and values that differ; "
            "declare more in search.space, or run more"
        )
    return found


def importance_rows(trials: Sequence[Trial], required: bool = False) -> list[Row]:
    """Return the rows of ``importance.csv``, one per group and hyperparameter.

    Args:
        trials: the trials of a search.
        required: whether there must be rows.

    Raises:
        UserError: if there must be rows, but ``importances`` fails.
    """
    try:
        groups = importances(trials)
    except UserError:
        if required:
            raise
        groups = []
    return [
        {
            "group": group.group,
            "parameter": parameter,
            "importance": share.mean,
            "low": share.low,
            "high": share.high,
            "trials": group.trials,
        }
        for group in groups
        for parameter, share in group.shares.items()
    ]


def _final(attempt: FrozenTrial) -> float:
    """Return the objective's value; with two objectives, the ELBO, to which both contribute."""
    if len(attempt.values) > 1:
        return float(result_of(attempt)["elbo"])
    return float(attempt.values[0])


def _varied(rated: Rated) -> list[str]:
    """Return the hyperparameters that all these trials have and that vary among them."""
    first, *others = [attempt.params for attempt, _ in rated]
    return [
        name
        for name, value in first.items()
        if all(name in other for other in others) and any(other[name] != value for other in others)
    ]


def _shares(rated: Rated, names: Sequence[str]) -> dict[str, Share]:
    """Return the shares, largest first, with percentile intervals over resampled trials."""
    points, values = Points.of(rated, sorted(names)), np.array([value for _, value in rated])
    shares = fitted_shares(points, values, TREES)
    generator = np.random.default_rng(SEED)
    resampled = []
    for _ in range(RESAMPLES):
        sample = generator.integers(0, len(rated), len(rated))
        resampled.append(fitted_shares(points.at(sample), values[sample], TREES_RESAMPLED))
    tail = 50 * (1 - CONFIDENCE)
    found = {}
    for name, share in sorted(shares.items(), key=lambda item: (-item[1], item[0])):
        low, high = np.percentile([one[name] for one in resampled], [tail, 100 - tail])
        # Resampling repeats trials, which can shift a small share out of its own interval; it is
        # extended to the share then.
        found[name] = Share(share, min(share, float(low)), max(share, float(high)))
    return found


@dataclass(frozen=True, slots=True)
class Points:
    """What trials tried, as a forest takes it: a column per number, and one per choice.

    Attributes:
        columns: of each hyperparameter.
        bounds: (columns, 2): the lowest and the highest value.
        values: (trials, columns).
    """

    columns: dict[str, list[int]]
    bounds: Numbers
    values: Numbers

    @classmethod
    def of(cls, rated: Rated, names: Sequence[str]) -> Self:
        """Return what trials tried in some of their hyperparameters."""
        columns: dict[str, list[int]] = {}
        bounds: list[tuple[float, float]] = []
        values: list[Numbers] = []
        for name in names:
            distribution = rated[0][0].distributions[name]
            tried = np.array([distribution.to_internal_repr(one.params[name]) for one, _ in rated])
            if isinstance(distribution, CategoricalDistribution):
                own = list((tried[:, None] == np.arange(len(distribution.choices))).T.astype(float))
                bounds += [(0.0, 1.0)] * len(own)
            else:
                assert isinstance(distribution, IntDistribution | FloatDistribution)
                own = [tried.astype(float)]
                bounds.append((distribution.low, distribution.high))
            columns[name] = list(range(len(values), len(values) + len(own)))
            values += own
        return cls(columns, np.array(bounds, dtype=float), np.stack(values, axis=1))

    def at(self, rows: NDArray[np.int64]) -> Self:
        """Return some of the trials."""
        return replace(self, values=self.values[rows])


def fitted_shares(points: Points, values: Numbers, trees: int) -> dict[str, float]:
    """Return the shares by a forest; all are 0 if these hyperparameters explain nothing.

    Each share is the mean over the trees, as in ``optuna.importance.FanovaImportanceEvaluator``,
    whose numbers these are; it visits the nodes one by one, which takes four times as long.
    """
    # Imported here, because it takes a second.
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(n_estimators=trees, max_depth=MOST_DEPTH, random_state=SEED)
    forest.fit(points.values, values)
    shares = [
        [leaves.marginal_variance(own) / leaves.variance for own in points.columns.values()]
        for leaves in (Leaves.of(one.tree_, points.bounds) for one in forest.estimators_)
        if leaves.variance > 0
    ]
    if not shares:  # no tree found a split
        return dict.fromkeys(points.columns, 0.0)
    means = np.mean(shares, axis=0)
    total = means.sum()
    means = means / total if total > 0 else np.full(len(means), 1 / len(means))
    return dict(zip(points.columns, map(float, means), strict=True))


@dataclass(frozen=True, slots=True)
class Leaves:
    """A regression tree as the boxes on which it is constant.

    Attributes:
        low: (leaves, columns).
        high: (leaves, columns).
        value: (leaves,): of the regression.
    """

    low: Numbers
    high: Numbers
    value: Numbers

    @classmethod
    def of(cls, tree: Any, bounds: Numbers) -> Self:
        """Return the leaves of one of scikit-learn's trees."""
        low = np.tile(bounds[:, 0], (tree.node_count, 1))
        high = np.tile(bounds[:, 1], (tree.node_count, 1))
        split = tree.feature >= 0
        nodes = zip(
            np.flatnonzero(split).tolist(),
            tree.feature[split].tolist(),
            tree.threshold[split].tolist(),
            tree.children_left[split].tolist(),
            tree.children_right[split].tolist(),
            strict=True,
        )
        for node, column, threshold, left, right in nodes:  # a parent before its children
            low[left], high[left] = low[node], high[node]
            low[right], high[right] = low[node], high[node]
            high[left, column] = low[right, column] = threshold
        return cls(low[~split], high[~split], tree.value[~split, 0, 0])

    @property
    def variance(self) -> float:
        """The variance over the whole space."""
        return _variance(self.value, np.prod(self.high - self.low, axis=1))

    def marginal_variance(self, columns: list[int]) -> float:
        """Return the variance of the mean over all other columns."""
        sides = self.high - self.low
        others = np.prod(np.delete(sides, columns, axis=1), axis=1)
        inside = np.ones((1, len(others)), dtype=bool)  # (cells of the columns, leaves)
        size = np.ones(1)
        for column in columns:
            edges = np.unique([self.low[:, column], self.high[:, column]])
            middle = (edges[1:] + edges[:-1])[:, None] / 2
            own = (self.low[:, column] < middle) & (middle < self.high[:, column])
            inside = (inside[:, None] & own).reshape(-1, len(others))
            size = np.outer(size, np.diff(edges)).ravel()
        weights = inside @ others
        means = inside @ (others * self.value) / weights
        return _variance(means, weights * size)


def _variance(values: Numbers, weights: Numbers) -> float:
    share = weights / weights.sum()
    return float(share @ (values - share @ values) ** 2)

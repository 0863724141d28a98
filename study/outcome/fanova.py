"""Functional ANOVA: the share of the objective's variance that each hyperparameter explains.

Hutter, Hoos & Leyton-Brown 2014, with a random forest fitted to the complete trials. Optuna's
default, which is based on quantiles, is misleading for a few trials that a sampler chose. A forest
always names shares, even of noise; bootstrapping the trials shows how far they can be believed.
"""

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.trial import FrozenTrial

from analysis.read.fanova import ALL, FanovaImportance, Share
from pipeline.errors import UserError
from pipeline.schemas.tables import Row
from study.search.schedule import Trial, result_of

FEWEST = 10  # complete trials; a forest fitted to fewer is not meaningful
RESAMPLES, CONFIDENCE = 100, 0.95
TREES, TREES_RESAMPLED = 64, 16  # a forest of 64 trees takes 0.13 s
SEED = 0

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


def importance_rows(trials: Sequence[Trial]) -> list[Row]:
    """Return the rows of ``importance.csv``, one per group and hyperparameter; may be empty."""
    try:
        groups = importances(trials)
    except UserError:
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
    shares = _fitted(rated, names, TREES)
    generator = np.random.default_rng(SEED)
    resampled: list[dict[str, float]] = []
    while len(resampled) < RESAMPLES:
        sample = [rated[i] for i in generator.integers(0, len(rated), len(rated))]
        resampled.append(_fitted(sample, names, TREES_RESAMPLED))
    tail = 50 * (1 - CONFIDENCE)
    found = {}
    for name, share in sorted(shares.items(), key=lambda item: (-item[1], item[0])):
        low, high = np.percentile([one[name] for one in resampled], [tail, 100 - tail])
        # Resampling repeats trials, which can shift a small share out of its own interval; it is
        # extended to the share then.
        found[name] = Share(share, min(share, float(low)), max(share, float(high)))
    return found


def _fitted(rated: Rated, names: Sequence[str], trees: int) -> dict[str, float]:
    """Return the shares by a forest; all are 0 if these hyperparameters explain nothing."""
    # Imported here, because it imports scikit-learn, which takes a second.
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    search = optuna.create_study()
    search.add_trials(
        [
            optuna.create_trial(
                value=value,
                params={name: attempt.params[name] for name in names},
                distributions={name: attempt.distributions[name] for name in names},
            )
            for attempt, value in rated
        ]
    )
    evaluator = FanovaImportanceEvaluator(seed=SEED, n_trees=trees)
    try:
        found = get_param_importances(search, params=list(names), evaluator=evaluator)
    except RuntimeError as error:  # no tree found a split
        if "zero total variance" not in str(error):
            raise
        return dict.fromkeys(names, 0.0)
    return {name: float(share) for name, share in found.items()}

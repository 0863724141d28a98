"""The statement that more contrast goes with more visible defects: a rank correlation.

Configurations are fixed and runs are random, so each seed yields one correlation over all
configurations, and the interval is over seeds.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import pearsonr, rankdata

from analysis.estimate.intervals import Interval, interval_from_error, unknown_interval
from analysis.statements.decision import Decision, sentences, statement_verdict
from analysis.statements.evidence import Evidence
from analysis.words import format_number, join_and, pluralise
from pipeline.schemas.judged_metrics import LOW_CONFIDENCE
from pipeline.schemas.metrics import CONTRAST

FEWEST = 4  # configurations: with three, the correlation can take only four values

STATEMENT = "More contrast goes with more visible defects."
STATISTIC = (
    "Spearman's rank correlation between the contrast of samples and the share of low-confidence "
    "samples, over all configurations; computed per seed, then averaged. Supported above zero."
)


def decide_defects(evidence: Evidence) -> Decision:
    """Decide over all configurations in the results, regardless of architecture, size and beta."""
    runs = evidence.runs
    amount = runs["model"].nunique()
    if amount < FEWEST:
        return _open(
            f"A meaningful rank correlation needs {FEWEST} configurations, but there "
            f"{'is' if amount == 1 else 'are'} only {amount}."
        )
    whole = [seed for _, seed in runs.groupby("seed") if len(seed) == amount]
    correlations = [
        rank_correlation(seed[CONTRAST.name].tolist(), seed[LOW_CONFIDENCE.name].tolist())
        for seed in whole
    ]
    if any(map(math.isnan, correlations)):
        return _open(
            "Contrast or low_confidence is the same in all configurations, so there are no ranks."
        )
    if len(correlations) < 2:
        return _open("Fewer than two seeds cover all configurations, so there is no interval.")
    effect = correlation_interval(correlations, amount, evidence.confidence)
    each = join_and([format_number(value, signed=True) for value in correlations])
    collapsed = int(runs["collapsed"].sum())
    return Decision(
        STATEMENT,
        STATISTIC,
        statement_verdict(effect, "above"),
        sentences(
            f"By seed: {each}, each over {pluralise(amount, 'configuration')}.",
            f"{collapsed} of {pluralise(len(runs), 'run')} collapsed." if collapsed else "",
        ),
        effect,
        "correlation",
        runs=sum(map(len, whole)),
    )


def _open(reason: str) -> Decision:
    return Decision(STATEMENT, STATISTIC, "cannot be decided", (reason,))


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's rank correlation, with mean ranks for ties; NaN if one side is constant."""
    ranks = [rankdata(values) for values in (first, second)]
    if any(len(set(values)) == 1 for values in ranks):
        return math.nan
    return float(pearsonr(*ranks).statistic)


def correlation_interval(correlations: Sequence[float], items: int, confidence: float) -> Interval:
    """Mean of rank correlations with Student's t interval, clipped to [-1, 1].

    With few items the correlation takes few values, 12 / (k^3 - k) apart, and seeds often agree by
    chance: the variance is therefore taken to be at least that of rounding to this step, step^2 /
    12. In simulations of 3 seeds and 4 items the 95 % interval then covers the truth in 91 to 98 %
    of cases, and without it in 56 to 92 %. Fisher's scale would not improve the coverage, and
    |r| = 1 would be infinite there.

    Args:
        correlations: one per seed, at least one.
        items: k, the number of items behind each correlation.
        confidence: coverage, in (0, 1).
    """
    values = np.asarray(correlations, dtype=float)
    mean, freedom = float(values.mean()), len(values) - 1
    if not freedom:
        return unknown_interval(mean)
    rounding = 12 / (items**3 - items) / math.sqrt(12)
    error = max(float(values.std(ddof=1)), rounding) / math.sqrt(len(values))
    interval = interval_from_error(mean, error, freedom, confidence)
    return Interval(mean, max(interval.low, -1.0), min(interval.high, 1.0))

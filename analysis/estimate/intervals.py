"""Means and intervals over seeds: the numbers behind tables, verdicts and charts.

The unit is an independent training run: intervals are Student's t over the seeds of a
configuration, and Welch's for the difference of two or any other contrast. One seed has a mean but
no interval. ``bootstrap`` covers another source of uncertainty, the test images; no interval mixes
the two.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from analysis.read.frames import CONFIGURATION
from pipeline.schemas.metric import Metric
from pipeline.schemas.metrics import METRICS

CURVES = ("elbo", "reconstruction", "kl")


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, or a difference of means, with its confidence interval.

    Attributes:
        mean: the estimate.
        low: lower end; NaN where there is no interval, as with one seed.
        high: upper end; likewise.
    """

    mean: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether there was enough data for an interval: seeds, or per-image values."""
        return not math.isnan(self.low)


def unknown_interval(mean: float = math.nan) -> Interval:
    """Return a mean (or not even that) without an interval."""
    return Interval(mean, math.nan, math.nan)


def mean_interval(values: Sequence[float], confidence: float) -> Interval:
    """Mean with Student's t interval.

    Args:
        values: one per seed, at least one.
        confidence: coverage, in (0, 1).

    Raises:
        ValueError: if there are no values.
    """
    mean, error, freedom = _standard_error(values)
    if freedom == 0:
        return unknown_interval(mean)
    return interval_from_error(mean, error, freedom, confidence)


def difference_interval(
    values: Sequence[float], reference: Sequence[float], confidence: float
) -> Interval:
    """Mean of ``values`` minus mean of ``reference`` with Welch's interval (Welch 1947).

    The contrast with the coefficients 1 and -1. Seeds of different configurations share no
    weights, so they are not paired.

    Raises:
        ValueError: if either is empty.
    """
    return contrast_interval((values, reference), (1, -1), confidence)


def contrast_interval(
    groups: Sequence[Sequence[float]], coefficients: Sequence[float], confidence: float
) -> Interval:
    """Sum of c_i mean_i over independent groups with its interval (Welch 1947, Biometrika 34).

    The groups' variances may differ: that of the sum is V = sum of v_i, v_i = c_i^2 s_i^2 / n_i,
    with Welch-Satterthwaite degrees of freedom V^2 / sum of v_i^2 / (n_i - 1).

    Args:
        groups: one value per seed, at least one in each group.
        coefficients: c_i, one per group.
        confidence: coverage, in (0, 1).

    Returns:
        The contrast, without an interval if a group has only one value.

    Raises:
        ValueError: if a group is empty, or there is not one coefficient per group.
    """
    total, error, freedom = contrast_error(groups, coefficients)
    if not freedom:
        return unknown_interval(total)
    if error == 0:
        return Interval(total, total, total)
    return interval_from_error(total, error, freedom, confidence)


def contrast_error(
    groups: Sequence[Sequence[float]], coefficients: Sequence[float]
) -> tuple[float, float, float]:
    """The contrast, its standard error and degrees of freedom, as in ``contrast_interval``.

    Degrees of freedom are 0, and the error NaN, if a group has only one value; they are infinite
    if no group varies.

    Raises:
        ValueError: likewise.
    """
    parts = [
        (coefficient, *_standard_error(values))
        for values, coefficient in zip(groups, coefficients, strict=True)
    ]
    total = sum(coefficient * mean for coefficient, mean, _, _ in parts)
    if not all(freedom for *_, freedom in parts):
        return total, math.nan, 0
    variances = [(coefficient * error) ** 2 for coefficient, _, error, _ in parts]
    variance = sum(variances)
    if variance == 0:
        return total, 0.0, math.inf
    # In shares of the variance: the fourth power of a small error would underflow to zero.
    freedom = 1 / sum(
        (own / variance) ** 2 / freedom for own, (*_, freedom) in zip(variances, parts, strict=True)
    )
    return total, math.sqrt(variance), freedom


def probability_of_improvement(
    values: Sequence[float], reference: Sequence[float], metric: Metric
) -> float:
    """Estimate the probability that a run of one configuration is better than one of another.

    The share of all pairs of runs in which it is, with ties counted as half: the Mann-Whitney
    statistic over the number of pairs (Agarwal et al. 2021, arXiv 2108.13264, section 4.3). With n
    and m seeds it is a multiple of 1 / (2 n m), so 0 or 1 from few seeds means little.

    Args:
        values: one per seed, at least one.
        reference: likewise, for the configuration to improve on.
        metric: defines which direction is better.

    Returns:
        In [0, 1]; NaN for a metric without a better direction.

    Raises:
        ValueError: if either is empty.
    """
    if not len(values) or not len(reference):
        raise ValueError("a probability of improvement needs at least one value on each side")
    if metric.sign == 0:
        return math.nan
    # Compared rather than subtracted: the difference of two numbers may underflow to zero.
    ours, theirs = np.asarray(values)[:, None], np.asarray(reference)[None, :]
    better = ours > theirs if metric.sign > 0 else ours < theirs
    return float(np.mean(better + 0.5 * (ours == theirs)))


def _standard_error(values: Sequence[float]) -> tuple[float, float, int]:
    """Mean, standard error of the mean and degrees of freedom."""
    array = np.asarray(values, dtype=float)
    if array.size == 0:
        raise ValueError("a mean needs at least one value, but got none")
    freedom = array.size - 1
    error = float(array.std(ddof=1)) / math.sqrt(array.size) if freedom else math.nan
    return float(array.mean()), error, freedom


def interval_from_error(mean: float, error: float, freedom: float, confidence: float) -> Interval:
    """Student's t interval around a mean with a known standard error and degrees of freedom."""
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    return Interval(mean, mean - half, mean + half)


def summarise(runs: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Summarise runs in one row per configuration, in the order of ``runs``.

    Returns:
        ``model``, the configuration, ``parameters``, ``seeds``, ``collapsed`` (number of collapsed
        runs, which are part of the means), and ``<metric>_mean``, ``_low``, ``_high`` for every
        reported metric and ``train_seconds``; NaN for a metric that the configuration lacks, and
        no column for one that all lack. A metric that is a label has no mean: its column
        ``<name>`` lists the labels of the seeds, such as ``8, 9, 8``.
    """
    found = [name for name in (*METRICS, "train_seconds") if runs[name].notna().any()]
    labels = [name for name in found if name in METRICS and METRICS[name].is_label]
    measured = [name for name in found if name not in labels]
    rows = []
    for model, group in runs.groupby("model", sort=False):
        first = group.iloc[0]
        row = {"model": model, **{name: first[name] for name in CONFIGURATION}}
        row["parameters"] = first["parameters"]
        row["seeds"] = len(group)
        row["collapsed"] = int(group["collapsed"].sum())
        for name in measured:
            interval = mean_interval(group[name].tolist(), confidence)
            row[f"{name}_mean"] = interval.mean
            row[f"{name}_low"] = interval.low
            row[f"{name}_high"] = interval.high
        for name in labels:
            row[name] = ", ".join(f"{label:.0f}" for label in group[name].dropna()) or None
        rows.append(row)
    return pd.DataFrame(rows)


def interval_of(row: pd.Series, metric: str) -> Interval:
    """Return the interval of one metric from a row of ``summarise``."""
    return Interval(row[f"{metric}_mean"], row[f"{metric}_low"], row[f"{metric}_high"])


def training_bands(history: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Mean and interval over seeds of ELBO, reconstruction and KL at every epoch.

    Early stopping ends seeds at different epochs; a mean over the remaining seeds would jump, so a
    configuration is followed only up to the last epoch of its shortest run.

    Returns:
        Columns ``model``, ``split``, ``epoch``, ``seeds`` and ``<metric>_mean``, ``_low``,
        ``_high`` (NaN for one seed), in the order of ``history`` and by epoch; also
        ``seconds_mean``, since the start of training.
    """
    seeds = history.groupby("model")["seed"].nunique()
    groups = history.groupby(["model", "split", "epoch"], sort=False)
    counts = groups.size()
    bands = pd.DataFrame({"seeds": counts})
    for name in CURVES:
        mean, deviation = groups[name].mean(), groups[name].std(ddof=1)
        # The quantile for zero degrees of freedom is NaN, as it should be for one seed.
        freedom = (counts - 1).where(counts > 1).to_numpy(dtype=float)
        half = stdtrit(freedom, (1 + confidence) / 2) * deviation / np.sqrt(counts)
        bands[f"{name}_mean"] = mean
        bands[f"{name}_low"], bands[f"{name}_high"] = mean - half, mean + half
    bands["seconds_mean"] = groups["seconds"].mean()
    bands = bands.reset_index()
    return bands[bands["seeds"] == bands["model"].map(seeds)].reset_index(drop=True)


def sorted_kl_per_dim(runs: pd.DataFrame) -> pd.DataFrame:
    """KL of each latent dimension, ranked within its run, over the seeds of a configuration.

    The index of a dimension means nothing across seeds; its rank does.

    Returns:
        Columns ``model``, ``rank`` (from 1, the largest KL), ``mean``, ``lowest`` and ``highest``
        over seeds, in nats.
    """
    frames = []
    for model, group in runs.groupby("model", sort=False):
        ranked = -np.sort(-np.array(group["kl_per_dim"].tolist()), axis=1)  # (seeds, d)
        frames.append(
            pd.DataFrame(
                {
                    "model": model,
                    "rank": np.arange(1, ranked.shape[1] + 1),
                    "mean": ranked.mean(axis=0),
                    "lowest": ranked.min(axis=0),
                    "highest": ranked.max(axis=0),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)

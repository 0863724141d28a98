"""Trials that were trained again with fresh seeds: what their settings are worth.

The best of many noisy values is biased upwards, and seeds that had no part in the choice tell by
how much (Cawley & Talbot 2010, on selection by a noisy criterion).
"""

from dataclasses import dataclass

import pandas as pd

from analysis.estimate.intervals import Interval, mean_interval


@dataclass(frozen=True, slots=True)
class ConfirmedTrial:
    """One trial with fresh seeds.

    Attributes:
        number: of the trial.
        searched: the validation ELBO that the search saw, in nats per image.
        elbos: those of the fresh seeds, in the order of the seeds.
        mean: of them, with Student's t interval.
        optimism: ``searched`` minus the mean. The searched value is a fact and adds no width: the
            interval is that of the mean, turned over.
    """

    number: int
    searched: float
    elbos: tuple[float, ...]
    mean: Interval
    optimism: Interval


def confirmations(runs: pd.DataFrame, search: str, confidence: float) -> list[ConfirmedTrial]:
    """The confirmed trials of one search, by their number.

    Args:
        runs: of ``load_confirmed``.
        search: its name; rows of others are left out.
        confidence: coverage of the intervals, in (0, 1).
    """
    own = runs[runs["search"] == search].sort_values(["number", "seed"], kind="stable")
    found = []
    for number, rows in own.groupby("number"):
        elbos = tuple(rows["elbo"].tolist())
        mean = mean_interval(elbos, confidence)
        searched = float(rows["searched_elbo"].iloc[0])
        optimism = Interval(searched - mean.mean, searched - mean.high, searched - mean.low)
        found.append(ConfirmedTrial(int(str(number)), searched, elbos, mean, optimism))
    return found

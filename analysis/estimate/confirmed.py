"""Trials retrained with new seeds: how good their settings really are.

The best of many noisy values is biased upwards, and seeds that played no part in the selection show
by how much (Cawley & Talbot 2010, on selection by a noisy criterion).
"""

from dataclasses import dataclass

import pandas as pd

from analysis.estimate.intervals import Interval, mean_interval


@dataclass(frozen=True, slots=True)
class ConfirmedTrial:
    """One trial retrained with new seeds.

    Attributes:
        number: number of the trial.
        searched: validation ELBO that the search saw, in nats per image.
        elbos: validation ELBOs of the new seeds, by seed.
        mean: their mean with Student's t interval.
        optimism: ``searched`` minus the mean. The searched value is a constant and adds no width:
            the interval is that of the mean, mirrored.
    """

    number: int
    searched: float
    elbos: tuple[float, ...]
    mean: Interval
    optimism: Interval


def confirmations(
    runs: pd.DataFrame, search: str, epochs: int, confidence: float
) -> list[ConfirmedTrial]:
    """Return the confirmed trials of one search, by number.

    Args:
        runs: from ``load_confirmed``.
        search: name of the search; rows of other searches are ignored.
        epochs: of its trials; rows with another number of epochs are ignored.
        confidence: coverage of the intervals, in (0, 1).
    """
    own = runs[(runs["search"] == search) & (runs["epochs"] == epochs)].sort_values(
        ["number", "seed"], kind="stable"
    )
    found = []
    for number, rows in own.groupby("number"):
        elbos = tuple(rows["elbo"].tolist())
        mean = mean_interval(elbos, confidence)
        searched = float(rows["searched_elbo"].iloc[0])
        optimism = Interval(searched - mean.mean, searched - mean.high, searched - mean.low)
        found.append(ConfirmedTrial(int(str(number)), searched, elbos, mean, optimism))
    return found

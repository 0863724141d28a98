"""The best trials of a search against the best cells of the grid, both on the validation split.

The search's own values are too good, because they were selected; its best trials are retrained with
new seeds, which removes the noise of training. Trial and cell were both selected on the same
validation images, the trial from more candidates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import pandas as pd

from analysis.estimate.intervals import Interval, mean_interval
from analysis.estimate.verdicts import Difference, Rule, Verdict, compare_values
from analysis.read.frames import Results
from analysis.read.trials import Trials
from pipeline.schemas.best_card import BestOfArchitecture
from pipeline.schemas.metrics import ELBO
from pipeline.settings import Architecture


@dataclass(frozen=True, slots=True)
class SearchAgainstGrid:
    """The best trial of an architecture against the best cell of the grid; ELBOs are validation's.

    Attributes:
        best: the trial, with what the search saw of it.
        cell: display name of the grid's cell.
        new: ELBOs of the trial's settings with new seeds.
        grid: ELBOs of the cell's seeds.
        new_mean: mean of the new seeds with Student's t interval.
        grid_mean: likewise, of the cell's seeds.
        difference: new seeds minus cell, with Welch's interval.
        p_holm: p-value of the difference with Holm's correction over the architectures.
        verdict: on the search.
    """

    best: BestOfArchitecture
    cell: str
    new: tuple[float, ...]
    grid: tuple[float, ...]
    new_mean: Interval
    grid_mean: Interval
    difference: Interval
    p_holm: float
    verdict: Verdict

    @property
    def architecture(self) -> str:
        """The architecture of both."""
        return self.best.settings.architecture


@dataclass(frozen=True, slots=True)
class AgainstGrid:
    """What could be compared, and why the rest could not.

    Attributes:
        compared: one per architecture.
        unanswered: why an architecture could not be compared, by its name.
    """

    compared: tuple[SearchAgainstGrid, ...]
    unanswered: Mapping[str, str]


def compare_with_grid(
    trials: Trials, results: Results, rule: Rule, *, searched: bool = False
) -> AgainstGrid:
    """Compare the confirmed best trial of each architecture with the grid's best cell.

    Args:
        trials: the search.
        results: the grid.
        searched: whether the grid has the settings that the search found, so it has no defaults.
        rule: what decides.
    """
    if searched:
        reason = "the grid has the settings that the search found"
        return AgainstGrid((), dict.fromkeys(trials.card.architectures, reason))
    differing = _differing(trials, results)
    cells = chosen_elbos(results)
    pairs: list[tuple[BestOfArchitecture, str, list[float], list[float]]] = []
    unanswered: dict[str, str] = {}
    for name in [one for one in get_args(Architecture) if one in trials.card.architectures]:
        best = trials.card.architectures[name]
        own = cells[cells["architecture"] == name]
        if own.empty:
            unanswered[name] = "the grid has no validation curves of it"
            continue
        means = own.groupby("model", sort=False)["elbo"].mean()
        cell = str(means.idxmax())
        grid = own[own["model"] == cell]
        epochs = sorted(set(grid["epochs"]))
        # A run of the grid with the same settings and seed would stand on both sides.
        again = _confirmed(trials, best.number)
        again = again[~again["seed"].isin(grid["seed"])]
        new = again[again["epochs"] == epochs[-1]]["elbo"].tolist() if len(epochs) == 1 else []
        reasons = list(differing)
        if not again.empty and not new:
            reasons.append(_unlike("epochs", sorted(set(again["epochs"])), epochs))
        if reasons:
            unanswered[name] = f"search and grid differ in {', '.join(reasons)}"
        elif again.empty:
            unanswered[name] = f"trial {best.number} was not retrained with new seeds"
        else:
            pairs.append((best, cell, new, grid["elbo"].tolist()))
    differences = compare_values([[(new, grid)] for _, _, new, grid in pairs], ELBO, rule)
    compared = tuple(
        _compared(*pair, difference, rule)
        for pair, difference in zip(pairs, differences, strict=True)
    )
    return AgainstGrid(compared, unanswered)


def _confirmed(trials: Trials, number: int) -> pd.DataFrame:
    runs = trials.confirmed
    return runs[(runs["search"] == trials.search) & (runs["number"] == number)]


def chosen_elbos(results: Results) -> pd.DataFrame:
    """Return the validation ELBO of each run at the epoch whose weights were kept.

    Returns:
        One row per run with a history: ``run``, ``architecture``, ``model``, ``seed``, ``epochs``
        and ``elbo``.
    """
    valid = results.history[results.history["split"] == "valid"]
    by = "elbo" if results.protocol.checkpoint == "best" else "epoch"
    # Of equal values, training keeps the first epoch's weights; their ELBO is the same.
    chosen = valid.sort_values(["run", by], kind="stable").drop_duplicates("run", keep="last")
    epochs = results.runs[["run", "epochs"]]
    named = chosen[["run", "architecture", "model", "seed", "elbo"]].merge(epochs, on="run")
    # In the order of the runs.
    return named.set_index("run").reindex(
        [run for run in results.runs["run"] if run in set(named["run"])]
    )


def _compared(
    best: BestOfArchitecture,
    cell: str,
    new: Sequence[float],
    grid: Sequence[float],
    difference: Difference,
    rule: Rule,
) -> SearchAgainstGrid:
    return SearchAgainstGrid(
        best=best,
        cell=cell,
        new=tuple(new),
        grid=tuple(grid),
        new_mean=mean_interval(new, rule.confidence),
        grid_mean=mean_interval(grid, rule.confidence),
        difference=difference.interval,
        p_holm=difference.p_holm,
        verdict=difference.verdict,
    )


def _differing(trials: Trials, results: Results) -> list[str]:
    """Name what differs between the protocols, with both values, that of the search first."""
    search, grid = trials.card.protocol, results.protocol
    pairs = {
        "data": (search.data, grid.data),
        "data hash": (trials.card.data_hash, "/".join(sorted(set(results.runs["data_hash"])))),
        "likelihood": (search.likelihood, grid.likelihood),
        "binarisation": (search.binarisation, grid.binarisation),
        "precision": (search.precision, grid.arithmetic),
        # A searched rule is a hyperparameter like others.
        "checkpoint": (search.checkpoint or grid.checkpoint, grid.checkpoint),
    }
    return [
        _unlike(name, [ours], [other]) for name, (ours, other) in pairs.items() if ours != other
    ]


def _unlike(name: str, search: Sequence[object], grid: Sequence[object]) -> str:
    """``epochs (20 and 30)``, the values of the search first."""
    ours, other = (" or ".join(str(value)[:12] for value in values) for values in (search, grid))
    return f"{name} ({ours} and {other})"

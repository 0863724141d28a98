"""The exported search as a checked frame, with what its card says of it."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.read.cells import REMEDY, ResultsError, convert, line_of, read_table
from analysis.read.confirmed import load_confirmed
from analysis.read.fanova import FanovaImportance, load_fanova
from analysis.read.space import SpaceDimension, declared, plain
from analysis.words import join_and, pluralise
from pipeline.schemas.best_card import BEST, BestCard
from pipeline.schemas.cells import number_or_none
from pipeline.schemas.record import read_record
from pipeline.schemas.tables import TRIALS
from pipeline.settings import Objective

REPEATED = "repeated"  # the same settings and seed again, so it took the result and did not train


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """A search's finished trials.

    Attributes:
        frame: one row per trial, by number; a number that a trial does not have is NaN, and a
            choice that does not apply to it is an empty text. The state is ``complete``,
            ``pruned``, or ``repeated`` for a trial that took the result of an earlier one.
        dimensions: what was searched.
        card: what is known of the whole search.
        importance: shares of the variance; empty where none were exported.
        confirmed: trials that were retrained, one row per seed and number of epochs.
    """

    frame: pd.DataFrame
    dimensions: tuple[SpaceDimension, ...]
    card: BestCard
    importance: tuple[FanovaImportance, ...]
    confirmed: pd.DataFrame

    @property
    def space(self) -> tuple[str, ...]:
        """Names of the searched dimensions."""
        return tuple(dimension.name for dimension in self.dimensions)

    @property
    def search(self) -> str:
        """Its name."""
        return self.card.search

    @property
    def objective(self) -> Objective:
        """``elbo``, ``nll`` or ``rate-distortion``."""
        return self.card.objective

    @property
    def is_single(self) -> bool:
        """Whether the trials have one value to be ranked by."""
        return self.objective != "rate-distortion"

    @property
    def higher_is_better(self) -> bool:
        """Of the score."""
        return self.objective != "nll"

    @property
    def score(self) -> pd.Series:
        """What complete trials are ranked by, NaN for pruned ones; of two objectives the ELBO."""
        value = self.frame["value"] if self.is_single else self.frame["elbo"]
        return value.where(self.frame["state"] == "complete")

    @property
    def score_name(self) -> str:
        """``ELBO``, or ``NLL (K = 64)``."""
        if self.objective != "nll":
            return "ELBO"
        return f"NLL (K = {self.card.protocol.nll_samples})"

    @property
    def trained(self) -> pd.DataFrame:
        """The trials that are evidence of their own, complete or pruned."""
        return self.frame[self.frame["state"] != REPEATED]

    @property
    def complete(self) -> pd.DataFrame:
        """The trials that were not pruned, best ELBO first."""
        whole = self.frame[self.frame["state"] == "complete"]
        return whole.sort_values("elbo", ascending=False, kind="stable")

    @property
    def ranked(self) -> pd.DataFrame:
        """The trials that were not pruned, best score first."""
        order = self.score.dropna().sort_values(ascending=not self.higher_is_better, kind="stable")
        return self.frame.loc[order.index]

    @property
    def best_so_far(self) -> pd.Series:
        """The best value of the complete trials up to each trial, by number."""
        value = self.frame["value"].where(self.frame["state"] == "complete")
        best = value.cummax() if self.higher_is_better else value.cummin()
        return best.set_axis(self.frame["number"]).ffill()

    @property
    def counts(self) -> str:
        """``34 complete and 16 pruned trials``."""
        amounts = {
            state: int((self.frame["state"] == state).sum())
            for state in ("complete", "pruned", REPEATED)
        }
        if not amounts[REPEATED]:
            del amounts[REPEATED]
        *others, (last, amount) = amounts.items()
        return join_and(
            [*(f"{n} {state}" for state, n in others), pluralise(amount, f"{last} trial")]
        )

    @property
    def each(self) -> str:
        """``one seed per trial``."""
        seeds = self.card.plan.replicates
        return "one seed per trial" if seeds == 1 else f"means of {seeds} seeds per trial"


def load_trials(folder: Path) -> Trials | None:
    """Read the export of a search from a results folder; None if no search was exported.

    A search needs ``trials.csv`` and ``best.json``; ``importance.csv`` and ``confirmed.csv`` are
    optional.

    Raises:
        ResultsError: if they break a rule.
    """
    path = folder / TRIALS.name
    if not path.exists() or not (folder / BEST).exists():
        return None
    card = read_record(BestCard, folder / BEST)
    frame = read_table(path, TRIALS)
    _require_values(frame, card, path)
    dimensions = declared(card.plan.space)
    missing = [one.name for one in dimensions if one.name not in frame]
    if missing:
        raise ResultsError(f"{path}: must have the columns {', '.join(missing)}; {REMEDY}")
    tried = {one.name: number_or_none if one.numeric else plain for one in dimensions}
    frame = convert(frame, tried, path)
    frame["state"] = frame["state"].where(frame["same_as"].isna(), REPEATED)
    for one in dimensions:
        if one.numeric and frame[one.name].notna().all() and (frame[one.name] % 1 == 0).all():
            frame[one.name] = frame[one.name].astype(int)
    return Trials(frame, dimensions, card, load_fanova(folder), load_confirmed(folder, card))


def _require_values(frame: pd.DataFrame, card: BestCard, path: Path) -> None:
    """Check that complete trials have metrics and value, and that no number is repeated."""
    if frame["number"].duplicated().any():
        raise ResultsError(f"{path}: must name each number once; {REMEDY}")
    needed = ["elbo", "reconstruction", "kl"] + ["value"] * (card.objective != "rate-distortion")
    whole = frame[frame["state"] == "complete"]
    for name in needed:
        for row in whole.index[whole[name].isna()]:
            raise ResultsError(
                f"{path}: line {line_of(row)}, {name} must not be empty in a complete "
                f"trial; {REMEDY}"
            )

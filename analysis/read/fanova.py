"""The exported shares of the variance that each hyperparameter explains (fANOVA)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from analysis.read.cells import REMEDY, ResultsError, read_table
from pipeline.schemas.tables import IMPORTANCE

ALL = "all"  # the group of all trials
INTERVAL = 0.95  # coverage of the exported intervals


class Share(NamedTuple):
    """A share of the variance, with its 95 % interval over bootstrapped trials."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FanovaImportance:
    """The shares of one group of trials.

    Attributes:
        group: ``all``, or the architecture of its trials.
        trials: how many complete trials the shares rest on.
        shares: by hyperparameter, largest first; they add up to 1.
    """

    group: str
    trials: int
    shares: Mapping[str, Share]


def load_fanova(folder: Path) -> tuple[FanovaImportance, ...]:
    """Read ``importance.csv`` of a results folder; empty where there is none, or it has no rows.

    Raises:
        ResultsError: if it breaks a rule.
    """
    path = folder / IMPORTANCE.name
    if not path.exists():
        return ()
    frame = read_table(path, IMPORTANCE)
    found = []
    for group, rows in frame.groupby("group", sort=False):
        if rows["parameter"].duplicated().any():
            raise ResultsError(f"{path}: {group} lists a parameter twice; {REMEDY}")
        if rows["trials"].nunique() > 1:
            raise ResultsError(f"{path}: {group} must rest on the same trials throughout; {REMEDY}")
        if (rows["low"] > rows["high"]).any():
            raise ResultsError(f"{path}: {group} has an interval with low above high; {REMEDY}")
        ordered = rows.sort_values("importance", ascending=False, kind="stable")
        shares = {
            str(row["parameter"]): Share(row["importance"], row["low"], row["high"])
            for _, row in ordered.iterrows()
        }
        found.append(FanovaImportance(str(group), int(rows["trials"].iloc[0]), shares))
    return tuple(found)

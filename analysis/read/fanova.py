"""The exported shares of the variance that each hyperparameter explains (fANOVA)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.read.cells import REMEDY, ResultsError, read_table
from pipeline.schemas.tables import IMPORTANCE

ALL = "all"  # the group of all trials


@dataclass(frozen=True, slots=True)
class FanovaImportance:
    """The shares of one group of trials.

    Attributes:
        group: ``all``, or the architecture of its trials.
        trials: how many the shares rest on.
        epoch: after which their values were measured; None for final values.
        shares: by hyperparameter, largest first; they add up to 1.
    """

    group: str
    trials: int
    epoch: int | None
    shares: Mapping[str, float]


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
        if (rows[["trials", "values", "epoch"]].nunique(dropna=False) > 1).any():
            raise ResultsError(f"{path}: {group} must rest on the same trials throughout; {REMEDY}")
        first = rows.iloc[0]
        early = first["values"] == "first comparison"
        if early and first["epoch"] != first["epoch"]:
            raise ResultsError(f"{path}: {group} must name the epoch of its values; {REMEDY}")
        ordered = rows.sort_values("importance", ascending=False, kind="stable")
        shares = dict(zip(ordered["parameter"], ordered["importance"], strict=True))
        epoch = int(first["epoch"]) if early else None
        found.append(FanovaImportance(str(group), int(first["trials"]), epoch, shares))
    return tuple(found)

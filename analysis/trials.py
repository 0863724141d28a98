"""The exported search as a checked frame, and what the report says of it."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import cells
from analysis.cells import REMEDY, ResultsError, convert, read_csv
from analysis.tables import Cell, Column, Table
from analysis.words import counted, number

BEST_SHOWN = 10
# What is no dimension of the space.
KNOWN = (
    "number",
    "state",
    "value",
    "elbo",
    "reconstruction",
    "kl",
    "nll",
    "spread",
    "epochs",
    "seconds",
    "run_id",
)


@dataclass(frozen=True, slots=True)
class Trials:
    """A search's finished trials.

    Attributes:
        frame: one row a trial, by number; numbers are NaN where a trial has none.
        space: names of the searched dimensions.
        search: its name.
        objective: ``elbo``, ``nll`` or ``rate-distortion``.
    """

    frame: pd.DataFrame
    space: tuple[str, ...]
    search: str
    objective: str

    @property
    def complete(self) -> pd.DataFrame:
        """The trials that were not pruned, best ELBO first."""
        whole = self.frame[self.frame["state"] == "complete"]
        return whole.sort_values("elbo", ascending=False, kind="stable")

    @property
    def is_single(self) -> bool:
        """Whether the trials have one value to be ranked by."""
        return self.objective != "rate-distortion"

    @property
    def best_so_far(self) -> pd.Series:
        """The best value of the complete trials up to each trial, by number."""
        value = self.frame["value"].where(self.frame["state"] == "complete")
        best = value.cummin() if self.objective == "nll" else value.cummax()
        return best.set_axis(self.frame["number"]).ffill()

    @property
    def counts(self) -> str:
        """``34 complete and 16 pruned trials``."""
        pruned = int((self.frame["state"] == "pruned").sum())
        return f"{len(self.frame) - pruned} complete and {counted(pruned, 'pruned trial')}"


def load_trials(folder: Path) -> Trials | None:
    """Read ``trials.csv`` and ``best.json`` of a results folder; None where no search was exported.

    Raises:
        ResultsError: if they break a rule.
    """
    path, card = folder / "trials.csv", folder / "best.json"
    if not path.exists() or not card.exists():
        return None
    frame = read_csv(path, KNOWN)
    readers = {name: cells.number_or_none for name in KNOWN if name not in ("state", "run_id")}
    frame = convert(frame, readers | {"number": cells.count, "state": _state}, path)
    try:
        content = json.loads(card.read_text(encoding="utf-8"))
        search, objective = str(content["search"]), str(content["objective"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ResultsError(
            f"{card}: must be a JSON object with search and objective "
            f"({type(error).__name__}: {error}); {REMEDY}"
        ) from None
    space = tuple(str(name) for name in frame if name not in KNOWN)
    return Trials(frame, space, search, objective)


def _state(cell: str) -> str:
    if cell not in ("complete", "pruned"):
        raise ValueError("must be complete or pruned")
    return cell


def best_table(trials: Trials) -> Table:
    """The best complete trials by validation ELBO, with all that they tried."""
    columns = (
        Column("Trial"),
        Column("ELBO", "nats", "↑"),
        Column("Reconstruction", "nats", "↓"),
        Column("KL", "nats"),
        *(Column(name.replace("_", " ").capitalize(), numeric=False) for name in trials.space),
        Column("Epochs"),
        Column("Time", "seconds"),
    )
    rows = tuple(
        (
            Cell(str(row["number"])),
            *(Cell(number(row[name])) for name in ("elbo", "reconstruction", "kl")),
            *(Cell(_plain(row[name])) for name in trials.space),
            Cell(str(int(row["epochs"]))),
            Cell(number(row["seconds"], 1)),
        )
        for _, row in trials.complete.head(BEST_SHOWN).iterrows()
    )
    return Table(columns, rows)


def _plain(cell: Any) -> str:
    """A searched value as it was written, numbers to four digits; a dash where it did not apply."""
    if cell == "" or (isinstance(cell, float) and math.isnan(cell)):
        return "–"
    try:
        value = float(cell)
    except ValueError:
        return str(cell)
    return f"{value:.0f}" if value == int(value) and "." not in str(cell)[:-2] else f"{value:.3g}"

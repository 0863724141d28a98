"""Trials that were retrained with new seeds, from ``confirmed.csv`` and ``best.json``."""

from pathlib import Path

import pandas as pd

from analysis.read.cells import REMEDY, ResultsError, read_table
from pipeline.schemas.best_card import BestCard
from pipeline.schemas.tables import CONFIRMED

KEY = ["search", "number", "epochs", "seed"]


def load_confirmed(folder: Path, card: BestCard) -> pd.DataFrame:
    """Read the confirmed trials of a results folder, with the columns of ``confirmed.csv``.

    Args:
        folder: the results folder.
        card: its ``best.json``, in which the search confirms the best of each architecture.

    Returns:
        One row per trial, epochs and seed; empty if nothing was confirmed.

    Raises:
        ResultsError: if ``confirmed.csv`` breaks a rule.
    """
    path = folder / CONFIRMED.name
    frames = [_of_card(card)] + ([_read(path)] if path.exists() else [])
    rows = pd.concat([one for one in frames if not one.empty] or frames[:1], ignore_index=True)
    return rows.drop_duplicates(KEY, ignore_index=True)


def _of_card(card: BestCard) -> pd.DataFrame:
    rows = [
        {
            "search": card.search,
            "number": best.number,
            "epochs": best.confirmed_epochs,
            **run.model_dump(),
            "searched_elbo": best.metrics["elbo"],
        }
        for best in card.architectures.values()
        for run in best.confirmed
    ]
    return pd.DataFrame(rows, columns=list(CONFIRMED.columns))


def _read(path: Path) -> pd.DataFrame:
    frame = read_table(path, CONFIRMED)
    if frame.duplicated(KEY).any():
        raise ResultsError(f"{path}: must list each seed of a trial once; {REMEDY}")
    if (frame.groupby(["search", "number"])["searched_elbo"].nunique() > 1).any():
        raise ResultsError(f"{path}: must give each trial one searched_elbo; {REMEDY}")
    return frame

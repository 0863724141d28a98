"""``confirmed.csv``: trials that were trained again with new seeds."""

from pathlib import Path

import pandas as pd

from analysis.read.cells import REMEDY, ResultsError, read_table
from pipeline.schemas.tables import CONFIRMED


def load_confirmed(folder: Path) -> pd.DataFrame | None:
    """Read ``confirmed.csv`` of a results folder, one row per seed; None where there is none.

    Raises:
        ResultsError: if it breaks a rule.
    """
    path = folder / CONFIRMED.name
    if not path.exists():
        return None
    frame = read_table(path, CONFIRMED)
    key = ["search", "number"]
    if frame.duplicated([*key, "seed"]).any():
        raise ResultsError(f"{path}: must list each seed of a trial once; {REMEDY}")
    if (frame.groupby(key)["searched_elbo"].nunique() > 1).any():
        raise ResultsError(f"{path}: must give each trial one searched_elbo; {REMEDY}")
    return frame

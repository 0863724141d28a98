"""``confirmed.csv``: trials that were trained again with fresh seeds."""

from pathlib import Path

import pandas as pd

from analysis.read import cells
from analysis.read.cells import REMEDY, ResultsError, convert, read_csv

READERS = {
    "search": cells.text,
    "number": cells.count,
    "seed": cells.count,
    "elbo": cells.number,
    "searched_elbo": cells.number,
}


def load_confirmed(folder: Path) -> pd.DataFrame | None:
    """Read ``confirmed.csv`` of a results folder, one row a seed; None where there is none.

    Raises:
        ResultsError: if it breaks a rule.
    """
    path = folder / "confirmed.csv"
    if not path.exists():
        return None
    frame = convert(read_csv(path, READERS), READERS, path)
    key = ["search", "number"]
    if frame.duplicated([*key, "seed"]).any():
        raise ResultsError(f"{path}: must name each seed of a trial once; {REMEDY}")
    if (frame.groupby(key)["searched_elbo"].nunique() > 1).any():
        raise ResultsError(f"{path}: must give each trial one searched_elbo; {REMEDY}")
    return frame

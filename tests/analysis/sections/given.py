"""Test data for sections: findings of results, modified in one place."""

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.estimate.verdicts import Rule
from analysis.findings import Findings, find
from tests.analysis.conftest import read_results


def found_in(folder: Path) -> Findings:
    """Return the findings of a results folder."""
    return find(read_results(folder), Rule())


def change_arrays(folder: Path, pattern: str = "*/*", **arrays: np.ndarray | None) -> None:
    """Replace arrays of the runs that match a pattern; None removes an array."""
    for path in folder.glob(f"runs/{pattern}/arrays.npz"):
        with np.load(path) as archive:
            kept = dict(archive) | arrays
        np.savez(path, **{name: array for name, array in kept.items() if array is not None})


def set_columns(folder: Path, **values: float | None) -> None:
    """Set columns of ``metrics.csv`` to the same number, or none, for every run."""
    path = folder / "metrics.csv"
    pd.read_csv(path).assign(**values).to_csv(path, index=False)

"""The table of the search's best trials against the grid's best cells."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.estimate.against_grid import SearchAgainstGrid
from analysis.estimate.intervals import Interval
from analysis.present.intervals import format_estimate, format_p
from analysis.present.tables import Cell, Column, Table, Tone
from analysis.words import NOTHING, format_number, pluralise

TONES: dict[str, Tone] = {"better": "yes", "worse": "no"}


def against_grid_table(
    compared: Sequence[SearchAgainstGrid], settings: Mapping[int, Sequence[str]]
) -> Table:
    """One column per architecture: there are few, and settings would be too wide for a row.

    Args:
        compared: from ``compare_with_grid``.
        settings: of each best trial in words, by its number.
    """
    rows = {
        "Best trial": [_trial(one) for one in compared],
        "Its settings": [_halves(settings[one.best.number]) for one in compared],
        "ELBO in the search": [Cell(format_number(one.best.metrics["elbo"])) for one in compared],
        "Its new seeds": [Cell(format_estimate(one.new_mean), _seeds(one.new)) for one in compared],
        "Best cell of the grid": [
            Cell(format_estimate(one.grid_mean), f"{one.cell}, {_seeds(one.grid)}")
            for one in compared
        ],
        "Difference": [Cell(format_estimate(one.difference, signed=True)) for one in compared],
        "p, Holm": [Cell(format_p(one.p_holm)) for one in compared],
        "Verdict": [Cell(one.verdict, tone=TONES.get(one.verdict, "open")) for one in compared],
    }
    heads = (one.architecture for one in compared)
    return Table(
        (
            Column("Quantity", "ELBO: nats per image", numeric=False),
            *(Column(head, numeric=False) for head in heads),
        ),
        tuple((Cell(name), *cells) for name, cells in rows.items()),
    )


def _trial(one: SearchAgainstGrid) -> Cell:
    behind = pluralise(one.best.complete_trials, "complete trial")
    return Cell(f"trial {one.best.number}", f"best of {behind}")


def _halves(settings: Sequence[str]) -> Cell:
    """Settings on two lines, which are one in Markdown."""
    half = -(-len(settings) // 2)
    first, second = "; ".join(settings[:half]), "; ".join(settings[half:])
    return Cell(f"{first};" if second else first or NOTHING, second)


def _seeds(elbos: Sequence[float]) -> str:
    return pluralise(len(elbos), "seed")


def against_grid_frame(compared: Sequence[SearchAgainstGrid]) -> pd.DataFrame:
    """The same as numbers."""
    return pd.DataFrame(
        [
            {
                "architecture": one.architecture,
                "number": one.best.number,
                "complete_trials": one.best.complete_trials,
                "searched_elbo": one.best.metrics["elbo"],
                "new_seeds": len(one.new),
                **_columns("new_elbo", one.new_mean),
                "cell": one.cell,
                "grid_seeds": len(one.grid),
                **_columns("grid_elbo", one.grid_mean),
                **_columns("difference", one.difference),
                "p_holm": one.p_holm,
                "verdict": one.verdict,
            }
            for one in compared
        ]
    )


def _columns(name: str, interval: Interval) -> dict[str, float]:
    return {
        f"{name}_mean": interval.mean,
        f"{name}_low": interval.low,
        f"{name}_high": interval.high,
    }

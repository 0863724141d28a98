"""Confirmed trials: by how much the search overestimated them."""

import math
from pathlib import Path

import pandas as pd
import pytest

from analysis.estimate.confirmed import confirmations
from analysis.read.cells import ResultsError
from tests.analysis.searches import SEARCH, confirm_in_card, loaded, searched, write_confirmed


def test_optimism_is_the_searched_value_minus_the_mean_with_its_interval(tmp_path: Path) -> None:
    write_confirmed(tmp_path, 3, -101.0, -102.0, -103.0)
    (one,) = confirmations(searched(tmp_path, 4).confirmed, SEARCH, 20, 0.95)
    half = 4.302652729911275 / math.sqrt(3)  # t of 2 degrees of freedom; deviation 1
    assert one.mean.mean == -102.0
    assert (one.mean.low, one.mean.high) == pytest.approx((-102 - half, -102 + half))
    assert one.optimism.mean == 2.0
    assert (one.optimism.low, one.optimism.high) == pytest.approx((2 - half, 2 + half))
    runs = searched(tmp_path, 4).confirmed
    assert confirmations(runs, "another", 20, 0.95) == []
    assert confirmations(runs, SEARCH, 30, 0.95) == [], "the search had other epochs"


def test_one_seed_has_no_interval(tmp_path: Path) -> None:
    write_confirmed(tmp_path, 3, -101.0)
    (one,) = confirmations(searched(tmp_path, 4).confirmed, SEARCH, 20, 0.95)
    assert one.optimism.mean == 1.0
    assert not one.optimism.is_known
    assert not one.mean.is_known


def test_the_search_confirms_in_its_card_and_a_run_counts_once(tmp_path: Path) -> None:
    searched(tmp_path, 4)
    assert loaded(tmp_path).confirmed.empty
    confirm_in_card(tmp_path, conv=[-101.0, -102.0])
    write_confirmed(tmp_path, 0, -101.0, -102.0, -103.0)
    runs = loaded(tmp_path).confirmed
    assert runs[["number", "epochs", "seed", "elbo"]].to_numpy().tolist() == [
        [0, 20, 8, -101.0],
        [0, 20, 9, -102.0],
        [0, 20, 10, -103.0],
    ]


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (0, "elbo", "good", "line 2, elbo = 'good' must be a number"),
        (1, "seed", "8", "must list each seed of a trial once"),
        (1, "searched_elbo", "-90", "must give each trial one searched_elbo"),
        (0, "number", "", "line 2, number = '' must be a number"),
    ],
)
def test_damage_is_refused_in_one_line(
    tmp_path: Path, row: int, column: str, value: str, message: str
) -> None:
    searched(tmp_path, 4)
    write_confirmed(tmp_path, 3, -101.0, -102.0)
    frame = pd.read_csv(tmp_path / "confirmed.csv", dtype=str)
    frame.loc[row, column] = value
    frame.to_csv(tmp_path / "confirmed.csv", index=False)
    with pytest.raises(ResultsError) as refused:
        loaded(tmp_path)
    assert message in refused.value.message
    (tmp_path / "confirmed.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ResultsError, match="must have the columns search, number"):
        loaded(tmp_path)

"""The exported importances."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.read.cells import ResultsError
from analysis.read.fanova import load_fanova
from tests.analysis.searches import write_importance


def test_groups_with_their_shares(tmp_path: Path) -> None:
    assert load_fanova(tmp_path) == ()
    write_importance(tmp_path)
    every, conv = load_fanova(tmp_path)
    assert (every.group, every.trials) == ("all", 24)
    assert list(conv.shares.items()) == [
        ("latent_dim", (0.9, 0.8, 0.95)),
        ("beta", (0.1, 0.05, 0.2)),
    ]


def test_no_rows_are_no_groups(tmp_path: Path) -> None:
    (tmp_path / "importance.csv").write_text("group,parameter,importance,low,high,trials\n")
    assert load_fanova(tmp_path) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"importance": 1.5}, "line 2, importance = '1.5' must be from 0 to 1"),
        ({"importance": "much"}, "line 2, importance = 'much' must be a number"),
        ({"low": 0.95}, "all has an interval with low above high"),
        ({"parameter": "latent_dim"}, "all lists a parameter twice"),
        ({"trials": 3}, "all must rest on the same trials throughout"),
    ],
)
def test_damage_is_refused_in_one_line(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    write_importance(tmp_path)
    frame = pd.read_csv(tmp_path / "importance.csv", dtype=object)
    for name, value in change.items():
        frame.loc[0, name] = value
    frame.to_csv(tmp_path / "importance.csv", index=False)
    with pytest.raises(ResultsError) as refused:
        load_fanova(tmp_path)
    assert message in refused.value.message

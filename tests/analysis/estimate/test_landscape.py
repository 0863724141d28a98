"""Over which dimensions the complete trials are mapped."""

from pathlib import Path

from analysis.estimate.landscape import TOGETHER, areas
from tests.analysis.searches import loaded, planned_row, searched, write_importance, write_search


def test_only_ten_complete_trials_make_a_map(tmp_path: Path) -> None:
    assert areas(searched(tmp_path, 9, 20)) == []
    (area,) = areas(searched(tmp_path, 10, 20))
    assert area.values.tolist() == [-100.0 - n for n in range(10)]


def test_an_architecture_with_enough_trials_has_an_area_of_its_own(tmp_path: Path) -> None:
    rows = [planned_row(n, -100.0) for n in range(0, 24, 2)] + [planned_row(1, -120.0)]
    write_importance(tmp_path)
    (area,) = areas(loaded(write_search(tmp_path, *rows)))
    assert area.group == "conv"
    assert len(area.trials) == len(area.values) == 12
    (pair,) = area.pairs
    assert [one.name for one in pair] == ["latent_dim", "beta"], "as conv's importances have it"
    assert area.ranked


def test_without_enough_trials_of_any_architecture_there_is_one_area(tmp_path: Path) -> None:
    (area,) = areas(searched(tmp_path, 14))
    assert area.group == TOGETHER
    assert not area.ranked
    assert [one.name for one in area.pairs[0]] == ["latent_dim", "beta"]
    assert "depth" not in {one.name for pair in area.pairs for one in pair}, "not of all trials"


def test_one_numeric_dimension_is_not_enough_for_a_map(tmp_path: Path) -> None:
    rows = [planned_row(n, -100.0, beta=1.0) for n in range(12)]
    assert areas(loaded(write_search(tmp_path, *rows))) == []


def test_a_trial_that_repeats_another_is_not_on_the_map(tmp_path: Path) -> None:
    rows = [planned_row(n, -100.0 - n) for n in range(12)] + [planned_row(12, -90.0, same_as=0)]
    (area,) = areas(loaded(write_search(tmp_path, *rows)))
    assert area.trials["number"].tolist() == list(range(12))

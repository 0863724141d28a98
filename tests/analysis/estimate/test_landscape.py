"""Which values are comparable, and over which dimensions they are mapped."""

from pathlib import Path

from analysis.estimate.landscape import TOGETHER, areas, comparable_values, first_values
from tests.analysis.searches import loaded, planned_row, searched, write_importance, write_search


def test_values_are_final_with_ten_complete_trials_and_early_otherwise(tmp_path: Path) -> None:
    enough = comparable_values(searched(tmp_path, 10, 5))
    assert enough is not None
    assert enough.epoch is None
    assert enough.series.notna().sum() == 10

    few = comparable_values(searched(tmp_path, 9, 5))
    assert few is not None
    assert few.epoch == 4
    assert few.series.tolist() == [-200.0 - n for n in range(14)], "of pruned trials as well"
    assert few.when == "after epoch 4"

    assert comparable_values(searched(tmp_path, 5, 4)) is None
    assert comparable_values(searched(tmp_path, 9, 5, first_comparison=None)) is None


def test_two_objectives_have_no_first_values(tmp_path: Path) -> None:
    rows = [planned_row(n, -100.0, value=None) for n in range(12)]
    trials = loaded(write_search(tmp_path, *rows, objective="rate-distortion"))
    assert first_values(trials) is None
    values = comparable_values(trials)
    assert values is not None
    assert values.name == "ELBO"


def test_nll_is_compared_by_its_bound_before_the_end(tmp_path: Path) -> None:
    trials = searched(tmp_path, 4, 10, objective="nll")
    values = comparable_values(trials)
    assert values is not None
    assert (values.name, values.higher) == ("negative ELBO", False)


def test_an_architecture_with_enough_trials_has_an_area_of_its_own(tmp_path: Path) -> None:
    rows = [planned_row(n, -100.0) for n in range(0, 24, 2)] + [planned_row(1, -120.0)]
    write_importance(tmp_path)
    trials = loaded(write_search(tmp_path, *rows))
    values = comparable_values(trials)
    assert values is not None
    (area,) = areas(trials, values)
    assert area.group == "conv"
    assert len(area.trials) == len(area.values) == 12
    (pair,) = area.pairs
    assert [one.name for one in pair] == ["latent_dim", "beta"], "as conv's importances have it"
    assert area.ranked


def test_without_enough_trials_of_any_architecture_there_is_one_area(tmp_path: Path) -> None:
    trials = searched(tmp_path, 14)
    values = comparable_values(trials)
    assert values is not None
    (area,) = areas(trials, values)
    assert area.group == TOGETHER
    assert not area.ranked
    assert [one.name for one in area.pairs[0]] == ["latent_dim", "beta"]
    assert "depth" not in {one.name for pair in area.pairs for one in pair}, "not of all trials"


def test_one_numeric_dimension_is_not_enough_for_a_map(tmp_path: Path) -> None:
    rows = [planned_row(n, -100.0, beta=1.0) for n in range(12)]
    trials = loaded(write_search(tmp_path, *rows))
    values = comparable_values(trials)
    assert values is not None
    assert areas(trials, values) == []

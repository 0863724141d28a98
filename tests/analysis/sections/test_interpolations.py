"""Interpolations with the judge's classes below them, and their plausibility over all pairs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from analysis.findings import Findings
from analysis.present.exhibits import Exhibit
from analysis.present.style import theme
from analysis.sections import interpolations
from tests.analysis.sections.given import change_arrays, found_in, set_columns

MakeResults = Callable[..., Path]


def sheet(found: Findings) -> Exhibit:
    with theme():
        exhibit = interpolations.interpolations_exhibit(
            found.results, found.summary, found.drawings, found.styles
        )
    assert exhibit is not None
    return exhibit


def words(exhibit: Exhibit) -> list[str]:
    return [text.get_text() for text in exhibit.figure.texts]


def test_only_two_and_ten_dimensions_are_shown(
    make_results: MakeResults,
) -> None:
    exhibit = sheet(found_in(make_results(latent_dims=[2, 5, 10], seeds=[0])))
    assert {"linear-2", "linear-10", "conv-2", "conv-10"} <= set(words(exhibit))
    assert "linear-5" not in words(exhibit)
    assert "in the table: linear-5 and conv-5" in exhibit.caption
    assert "3 of 4 pairs" in exhibit.caption


def test_implausible_steps_have_a_question_mark(results_folder: Path) -> None:
    exhibit = sheet(found_in(results_folder))
    assert words(exhibit)[:6] == ["linear-2", "0", "1?", "2", "3?", "4"]
    assert "at most 0.912" in exhibit.caption
    assert "Plausible steps: linear-2 53 %" in exhibit.alt


def test_other_pairs_and_missing_judgements_are_noted(make_results: MakeResults) -> None:
    folder = make_results()
    other = np.zeros((4, 2, 8, 8), np.uint8)
    change_arrays(folder, "conv-10/*", interpolation_originals=other)
    change_arrays(folder, "conv-2/*", interpolations_classes=None)
    notes = sheet(found_in(folder)).notes
    assert "given other images: conv-10" in notes[0]
    assert "No classes of the steps for conv-2" in notes[1]


def test_plausibility_over_all_pairs(results_folder: Path) -> None:
    found = found_in(results_folder)
    table = interpolations.plausibility_exhibit(found)
    assert table is not None
    place = [heading.label for heading in table.table.columns].index("Path plausibility")
    assert table.table.rows[0][place].text == "0.305"
    assert table.table.rows[0][place].detail.startswith("[0.241,")
    assert table.frame is not None
    with theme():
        section = interpolations.section(found)
    assert section is not None
    assert "0.305 [0.241" in section.lead[0]


def test_images_of_one_class_have_no_paths_to_judge(make_results: MakeResults) -> None:
    folder = make_results()
    set_columns(folder, path_plausibility=None, path_min_confidence=None)
    found = found_in(folder)
    assert interpolations.plausibility_exhibit(found) is None
    with theme():
        section = interpolations.section(found)
    assert section is not None
    assert section.lead == ()


def test_nothing_to_show(make_results: MakeResults) -> None:
    folder = make_results()
    change_arrays(folder, interpolations=None)
    found = found_in(folder)
    with theme():
        assert (
            interpolations.interpolations_exhibit(
                found.results, found.summary, found.drawings, found.styles
            )
            is None
        )

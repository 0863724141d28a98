"""The plane, its classes, and the aggregate posterior: captions, numbers, gaps."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, Part, TableExhibit
from analysis.present.style import theme
from analysis.sections import latent_space
from tests.analysis.sections.given import change_arrays, found_in, set_columns

MakeResults = Callable[..., Path]


def parts(found: Findings) -> dict[str, Part]:
    with theme():
        section = latent_space.section(found)
    assert section is not None
    return {part.name: part for part in section.parts}


def figure(found: Findings, name: str) -> Exhibit:
    part = parts(found)[name]
    assert isinstance(part, Exhibit)
    return part


def table(found: Findings, name: str) -> list[list[str]]:
    part = parts(found)[name]
    assert isinstance(part, TableExhibit)
    return [[cell.text for cell in row] for row in part.table.rows]


def test_captions_of_the_plane(results_folder: Path) -> None:
    found = found_in(results_folder)
    grid, cloud = figure(found, "latent-grid"), figure(found, "posterior-means")
    assert "decoded by linear-2 and conv-2 at 5 by 5 points" in grid.caption
    assert "−1.5 to 1.5" in grid.caption
    assert "all 40 images of the test split" in cloud.caption


@pytest.mark.parametrize(("end", "leaves"), [(1.4, False), (1.6, True)])
def test_a_path_that_leaves_the_plane_is_mentioned(
    make_results: MakeResults, end: float, leaves: bool
) -> None:
    folder = make_results(architectures=["conv"], seeds=[0])
    codes = np.linspace([0, 0], [0, end], 5)[np.newaxis].repeat(4, 0).astype(np.float32)
    change_arrays(
        folder, "conv-2/*", interpolation_codes=codes, interpolation_labels=np.full((4, 2), 7)
    )
    caption = figure(found_in(folder), "latent-grid").caption
    assert "from a test image of class 7 to one of class 7" in caption
    assert ("leaves the square" in caption) == leaves


def test_classes_of_the_plane(make_results: MakeResults) -> None:
    folder = make_results(architectures=["conv"], latent_dims=[2], seeds=[0])
    classes = np.full((7, 7), 3)
    classes[0] = 1
    sure = np.ones((7, 7), np.float32)
    change_arrays(folder, plane_classes=classes, plane_confidence=sure)
    exhibit = figure(found_in(folder), "plane-classes")
    assert exhibit.alt == (
        "Map of conv-2: 3 at the origin; shares of the plane: 3 86 % and 1 14 %."
    )
    assert "7 by 7 points" in exhibit.caption
    assert "at most 0.912" in exhibit.caption


def test_planes_of_another_size_are_noted(make_results: MakeResults) -> None:
    folder = make_results()
    small = np.zeros((3, 3), np.int64)
    change_arrays(
        folder, "conv-2/*", plane_classes=small, plane_confidence=small.astype(np.float32)
    )
    (note,) = figure(found_in(folder), "plane-classes").notes
    assert note.endswith("judged at other points: conv-2.")


def test_tables_of_the_plane(results_folder: Path) -> None:
    found = found_in(results_folder)
    assert table(found, "plane-center") == [
        [model, "8, 9", "5.0", "0.5"] for model in ("linear-2", "conv-2")
    ]
    borders = table(found, "plane-borders")
    assert borders[0] == ["linear-2", "1", *["–"] * 8, "2"]


def test_codes_in_numbers(make_results: MakeResults) -> None:
    folder = make_results()
    numbers = {"active_units_0.001": 9, "active_units_0.1": 2, "marginal_kl": 1.25}
    set_columns(folder, **numbers, mutual_information=8.5)
    found = found_in(folder)
    rows = {row[0]: row[1:] for row in table(found, "codes")}
    assert rows["conv-10"] == ["9 of 10", "6.5 of 10", "2 of 10", "9.75", "8.50", "1.25"]
    exhibit = figure(found, "aggregate-posterior")
    assert "Marginal KL: linear-2 1.25, " in exhibit.alt
    assert "all 40 images" in exhibit.caption


def test_the_ceiling_of_the_mutual_information_is_mentioned(make_results: MakeResults) -> None:
    folder = make_results()
    set_columns(folder, mutual_information=3.6, mutual_information_ceiling=3.689, marginal_kl=6.0)
    shown = parts(found_in(folder))
    for name in ("codes", "aggregate-posterior"):
        part = shown[name]
        assert isinstance(part, Exhibit | TableExhibit)
        assert "logarithm of the number of images, 3.69 nats" in part.caption


def test_missing_variances_are_noted(make_results: MakeResults) -> None:
    folder = make_results()
    change_arrays(folder, log_var=None)
    found = found_in(folder)
    with theme():
        section = latent_space.section(found)
    assert section is not None
    assert section.notes[0].startswith("No aggregate posterior for linear-2, linear-10")
    assert "aggregate-posterior" not in parts(found)


def test_no_plane(make_results: MakeResults) -> None:
    shown = parts(found_in(make_results(latent_dims=[3, 10])))
    assert set(shown) == {"kl-per-dimension", "codes", "aggregate-posterior"}

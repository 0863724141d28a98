"""Image sheets with their words, and without arrays."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from analysis.arrays import Drawings, load_drawings
from analysis.frames import Results, load_results
from analysis.sections.interpolations import interpolations_exhibit
from analysis.sections.latent_space import latent_grid_exhibit, posterior_means_exhibit
from analysis.sections.reconstructions import reconstructions_exhibit
from analysis.sections.samples import samples_exhibit
from analysis.statistics import summarise
from analysis.style import ModelStyle, assign_styles, theme

MakeResults = Callable[..., Path]


def loaded(folder: Path) -> tuple[Results, list[Drawings], dict[str, ModelStyle]]:
    results = load_results(folder)
    drawings, _ = load_drawings(folder, results.runs)
    return results, drawings, assign_styles(summarise(results.runs, 0.95))


def test_the_binarised_input_has_its_row(results_folder: Path) -> None:
    results, drawings, styles = loaded(results_folder)
    with theme():
        exhibit = reconstructions_exhibit(results, drawings, styles)
    assert exhibit is not None
    assert [text.get_text() for text in exhibit.figure.texts][:2] == ["original", "input"]
    assert "dynamically binarised" in exhibit.caption
    assert "10 images of the test split" in exhibit.caption


def test_grey_inputs_have_none(make_results: MakeResults) -> None:
    folder = make_results(protocol={"binarisation": "none"})
    for path in folder.glob("runs/*/*/arrays.npz"):
        with np.load(path) as archive:
            arrays = dict(archive)
        np.savez(path, **arrays | {"inputs": arrays["originals"]})
    results, drawings, styles = loaded(folder)
    with theme():
        exhibit = reconstructions_exhibit(results, drawings, styles)
    assert exhibit is not None
    assert "input" not in [text.get_text() for text in exhibit.figure.texts]


def test_captions_of_the_plane(results_folder: Path) -> None:
    results, drawings, styles = loaded(results_folder)
    with theme():
        grid = latent_grid_exhibit(drawings, styles)
        cloud = posterior_means_exhibit(results, drawings, styles)
    assert grid is not None
    assert "linear-2 and conv-2 decode at 5 by 5 points" in grid.caption
    assert "−1.5 to 1.5" in grid.caption
    assert cloud is not None
    assert "all 40 images of the test split" in cloud.caption


def test_nothing_to_show(results_folder: Path) -> None:
    results, drawings, styles = loaded(results_folder)
    larger = [drawing for drawing in drawings if drawing.latent_dim > 2]
    assert latent_grid_exhibit(larger, styles) is None
    assert posterior_means_exhibit(results, larger, styles) is None
    assert reconstructions_exhibit(results, [], styles) is None
    assert samples_exhibit([], styles) is None
    assert interpolations_exhibit(results, [], styles) is None

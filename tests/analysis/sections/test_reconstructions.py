"""Reconstructions with their captions, and without the arrays they need."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from analysis.findings import Findings
from analysis.present.exhibits import Exhibit
from analysis.present.style import theme
from analysis.sections import reconstructions
from tests.analysis.sections.given import change_arrays, found_in

MakeResults = Callable[..., Path]


def exhibits(found: Findings) -> dict[str, Exhibit]:
    with theme():
        section = reconstructions.section(found)
    assert section is not None
    return {part.name: part for part in section.parts if isinstance(part, Exhibit)}


def test_the_binarised_input_has_its_row(results_folder: Path) -> None:
    exhibit = exhibits(found_in(results_folder))["reconstructions"]
    assert [text.get_text() for text in exhibit.figure.texts][:2] == ["original", "input"]
    assert "dynamically binarised" in exhibit.caption
    assert "10 images of the test split" in exhibit.caption


def test_grey_inputs_have_no_row(make_results: MakeResults) -> None:
    folder = make_results(protocol={"binarisation": "none"})
    for path in folder.glob("runs/*/*/arrays.npz"):
        with np.load(path) as archive:
            arrays = dict(archive)
        np.savez(path, **arrays | {"inputs": arrays["originals"]})
    shown = exhibits(found_in(folder))
    texts = [text.get_text() for text in shown["reconstructions"].figure.texts]
    assert "input" not in texts
    assert "binarised" not in shown["best-and-worst"].caption


def test_errors_are_against_the_originals(make_results: MakeResults) -> None:
    folder = make_results(seeds=[0])
    with np.load(folder / "runs/conv-2/seed-0/arrays.npz") as archive:
        originals = archive["originals"]
    change_arrays(folder, "conv-2/*", reconstructions=originals)
    exhibit = exhibits(found_in(folder))["reconstruction-errors"]
    assert "conv-2 0.000 and conv-10 0." in exhibit.alt
    assert "grey original is the reference" in exhibit.caption


def test_caption_of_best_and_worst(results_folder: Path) -> None:
    exhibit = exhibits(found_in(results_folder))["best-and-worst"]
    assert "the 4 that each model reconstructs best" in exhibit.caption
    # The same twelve images for all models; the best four have the classes 0 to 3.
    assert "4 images are among the worst of every model" in exhibit.caption
    assert "together are 4 different images" in exhibit.caption
    assert "Of the 16 best images, 4 belong to class 0." in exhibit.caption
    assert "linear-2 50.0 to 105.0" in exhibit.alt


def test_missing_ranked_images_are_noted(make_results: MakeResults) -> None:
    folder = make_results()
    change_arrays(folder, "conv-*/*", ranked_originals=None)
    with theme():
        section = reconstructions.section(found_in(folder))
    assert section is not None
    (note,) = section.notes
    assert note.startswith("No best and worst images for conv-2 and conv-10")
    assert "`dvc repro evaluate`" in note
    assert [part.name for part in section.parts][-1] == "best-and-worst"
    change_arrays(folder, ranked_originals=None)
    assert "best-and-worst" not in exhibits(found_in(folder))


def test_nothing_to_show(make_results: MakeResults) -> None:
    folder = make_results()
    for path in folder.glob("runs/*/*/arrays.npz"):
        path.unlink()
    assert reconstructions.section(found_in(folder)) is None

"""Which run is shown, what is missing, what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis.read.arrays import load_drawings, load_per_image, that_share, with_arrays
from analysis.read.cells import ResultsError
from pipeline.schemas.record import RecordError
from tests.analysis.conftest import read_results

MakeResults = Callable[..., Path]


def change(folder: Path, run: str, **arrays: np.ndarray | None) -> None:
    path = folder / "runs" / run / "arrays.npz"
    with np.load(path) as archive:
        kept = dict(archive) | arrays
    np.savez(path, **{name: array for name, array in kept.items() if array is not None})


def test_the_lowest_seed_is_shown(results_folder: Path) -> None:
    drawings, notes = load_drawings(results_folder, read_results(results_folder).runs)
    assert [drawing.run for drawing in drawings] == [
        f"{model}/seed-0" for model in ("linear-2", "linear-10", "conv-2", "conv-10")
    ]
    assert notes == []


def test_what_the_judge_said_belongs_to_what_was_drawn(make_results: MakeResults) -> None:
    folder = make_results()
    change(folder, "conv-2/seed-0", samples_confidence=np.ones(63, np.float32))
    with pytest.raises(RecordError, match="samples_confidence has the shape"):
        load_drawings(folder, read_results(folder).runs)


def test_missing_arrays_are_noted(make_results: MakeResults) -> None:
    folder = make_results()
    (folder / "runs/linear-2/seed-0/arrays.npz").unlink()
    for seed in (0, 1):
        (folder / f"runs/conv-2/seed-{seed}/arrays.npz").unlink()
    drawings, notes = load_drawings(folder, read_results(folder).runs)
    assert drawings[0].run == "linear-2/seed-1"
    assert notes == ["No images of conv-2, because there is no arrays.npz."]


def test_a_collapsed_run_is_labelled(make_results: MakeResults) -> None:
    folder = make_results(collapsed=["conv-2/seed-0"])
    drawings, _ = load_drawings(folder, read_results(folder).runs)
    assert [drawing.label for drawing in drawings][2] == "conv-2 (collapsed)"


def test_models_given_other_images_are_left_out(make_results: MakeResults) -> None:
    folder = make_results()
    change(folder, "conv-10/seed-0", originals=np.zeros((10, 8, 8), np.uint8), samples=None)
    drawings, _ = load_drawings(folder, read_results(folder).runs)
    same, notes = that_share(drawings, "originals")
    assert [drawing.model for drawing in same] == ["linear-2", "linear-10", "conv-2"]
    assert notes == ["Left out, because it was given other images: conv-10."]
    assert len(with_arrays(drawings, "samples")) == 3
    assert that_share([], "originals") == ([], [])


@pytest.mark.parametrize(
    ("run", "name", "array", "rule"),
    [
        ("linear-2/seed-0", "samples", np.zeros((64, 64), np.uint8), "must have 3 axes of uint8"),
        ("linear-2/seed-0", "mu", np.full((4, 2), np.nan), "must be finite"),
        ("linear-2/seed-0", "mu", np.zeros((40, 3)), "axis of length 2, not 3"),
        ("linear-2/seed-0", "mu_variance", np.array(["a", "b"]), "must have 1 axis of numbers"),
        ("conv-10/seed-0", "traversal_dims", np.arange(3, 11), "must be from 0 to 9, but has"),
    ],
)
def test_wrong_arrays(
    make_results: MakeResults, run: str, name: str, array: np.ndarray, rule: str
) -> None:
    folder = make_results()
    change(folder, run, **{name: array})
    with pytest.raises(RecordError, match=rf"{run}/arrays\.npz: {name}.* {rule}"):
        load_drawings(folder, read_results(folder).runs)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken", b"\x93NUMPY\x01\x00"])
def test_a_damaged_archive(make_results: MakeResults, content: bytes) -> None:
    folder = make_results()
    (folder / "runs/linear-2/seed-0/arrays.npz").write_bytes(content)
    with pytest.raises(RecordError, match=r"arrays\.npz: cannot be read .*`dvc repro evaluate`"):
        load_drawings(folder, read_results(folder).runs)


def test_pickles_are_refused(make_results: MakeResults) -> None:
    folder = make_results()
    change(folder, "linear-2/seed-0", samples=np.array([{"a": 1}], dtype=object))
    with pytest.raises(RecordError, match="cannot be read"):
        load_drawings(folder, read_results(folder).runs)


def test_values_of_every_image_are_those_of_all_runs(results_folder: Path) -> None:
    runs = read_results(results_folder).runs
    values, notes = load_per_image(results_folder, runs)
    assert list(values) == runs["run"].tolist()
    assert [array.mean() for array in values.values()] == pytest.approx(runs["elbo"].tolist())
    assert notes == []


def test_runs_without_values_of_every_image_are_noted(make_results: MakeResults) -> None:
    folder = make_results()
    change(folder, "conv-2/seed-0", elbo=None)
    (folder / "runs/conv-2/seed-1/arrays.npz").unlink()
    values, notes = load_per_image(folder, read_results(folder).runs)
    assert len(values) == 6
    assert notes == [
        "No interval over images for conv-2/seed-0 and conv-2/seed-1, whose ELBO per image is "
        "missing."
    ]


@pytest.mark.parametrize(
    ("elbo", "rule"),
    [
        (np.full(40, -150.0), "has the mean -150 over images"),
        (np.full((40, 1), -154.5), "one finite number per image"),
        (np.full(40, np.nan), "one finite number per image"),
        (np.full(39, -154.5), "all must have the same"),
    ],
)
def test_values_that_are_not_the_runs_are_refused(
    make_results: MakeResults, elbo: np.ndarray, rule: str
) -> None:
    folder = make_results()
    change(folder, "conv-2/seed-1", elbo=elbo)
    with pytest.raises(ResultsError, match=rule):
        load_per_image(folder, read_results(folder).runs)

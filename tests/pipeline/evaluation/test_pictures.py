"""Pictures: the same images for every model, the right codes, bytes as stated."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import PreparedData
from pipeline.evaluation.pictures import (
    Arrays,
    as_bytes,
    draw_pictures,
    images_to_show,
    pairs_to_show,
    plane,
    straight_paths,
    write_sheets,
)
from pipeline.models import ImageShape, build_model, initialise
from pipeline.numerics.hardware import seeded_generator
from pipeline.settings import Settings
from tests.conftest import MakeRun

LABELS = np.repeat(np.arange(5), 4)


def test_shown_images_take_the_classes_in_turn() -> None:
    shown = images_to_show(LABELS, 12, seed=0)
    assert LABELS[shown].tolist() == [*range(5), *range(5), 0, 1]
    assert len(set(shown)) == 12
    assert images_to_show(LABELS, 12, seed=0).tolist() == shown.tolist()
    assert images_to_show(LABELS, 12, seed=1).tolist() != shown.tolist()
    assert len(images_to_show(LABELS, 99, seed=0)) == 20


def test_pairs_are_of_different_classes() -> None:
    pairs = pairs_to_show(LABELS, 50, seed=0)
    assert pairs.shape == (50, 2)
    assert (LABELS[pairs[:, 0]] != LABELS[pairs[:, 1]]).all()
    assert pairs_to_show(np.zeros(5, dtype=np.int64), 3, seed=0).shape == (0, 2)


def test_paths_are_straight_and_hold_both_ends() -> None:
    start, end = torch.tensor([[0.0, 0.0], [1, 1]]), torch.tensor([[4.0, 2.0], [1, 5]])
    paths = straight_paths(start, end, steps=5)
    assert paths.shape == (2, 5, 2)
    assert paths[0].tolist() == [[0, 0], [1, 0.5], [2, 1], [3, 1.5], [4, 2]]
    assert torch.equal(paths[:, -1], end)


def test_the_plane_has_z1_along_its_columns() -> None:
    codes = plane(torch.tensor([-1.5, 0, 1.5]))
    assert codes[0, 2].tolist() == [1.5, -1.5]
    assert codes[2, 0].tolist() == [-1.5, 1.5]


def test_bytes_are_rounded_and_clipped() -> None:
    images = torch.tensor([-0.5, 0.0, 0.4999 / 255, 0.5001 / 255, 1.0, 7.0]).view(6, 1, 1, 1)
    assert as_bytes(images).ravel().tolist() == [0, 0, 0, 1, 255, 255]


def draw(make_run: MakeRun, prepared: PreparedData, settings: Settings, latent_dim: int) -> Arrays:
    run = make_run(latent_dim=latent_dim)
    model = build_model(run, ImageShape(8, 8))
    initialise(model, torch.full((8, 8), 0.3), seeded_generator(0, "initialisation"))
    split = prepared.splits["test"]
    x = model_inputs(split, "dynamic")
    with torch.no_grad():
        mu, _ = model.encode(x)
    return draw_pictures(model.eval(), split, x, mu, settings.evaluate)


def test_all_pictures_have_their_shapes(
    make_run: MakeRun, prepared: PreparedData, tiny_settings: Settings
) -> None:
    arrays = draw(make_run, prepared, tiny_settings, latent_dim=2)
    shapes = {name: array.shape for name, array in arrays.items()}
    assert shapes == {
        "originals": (10, 8, 8),
        "inputs": (10, 8, 8),
        "labels_shown": (10,),
        "reconstructions": (10, 8, 8),
        "samples": (9, 8, 8),
        "interpolations": (2, 11, 8, 8),
        "interpolation_codes": (2, 11, 2),
        "interpolation_originals": (2, 2, 8, 8),
        "interpolation_labels": (2, 2),
        "latent_grid": (5, 5, 8, 8),
        "latent_grid_axis": (5,),
    }
    assert set(np.unique(arrays["inputs"])) == {0, 255}
    pictures = ("originals", "reconstructions", "samples", "interpolations", "latent_grid")
    assert all(arrays[name].dtype == np.uint8 for name in pictures)


def test_other_models_show_the_same_images(
    make_run: MakeRun, prepared: PreparedData, tiny_settings: Settings
) -> None:
    two = draw(make_run, prepared, tiny_settings, latent_dim=2)
    five = draw(make_run, prepared, tiny_settings, latent_dim=5)
    assert "latent_grid" not in five
    for name in ("originals", "inputs", "labels_shown", "interpolation_originals"):
        assert np.array_equal(two[name], five[name])


def test_sheets_are_pictures(
    tmp_path: Path, make_run: MakeRun, prepared: PreparedData, tiny_settings: Settings
) -> None:
    arrays = draw(make_run, prepared, tiny_settings, latent_dim=2)
    write_sheets(tmp_path, arrays)
    with Image.open(tmp_path / "samples.png") as samples:
        assert samples.size == (3 * 26 + 2, 3 * 26 + 2)
        top_left = np.asarray(samples)[3:26:3, 3:26:3]
    assert np.array_equal(top_left, arrays["samples"][0])
    with Image.open(tmp_path / "reconstructions.png") as rows:
        assert rows.size == (10 * 26 + 2, 3 * 26 + 2)

